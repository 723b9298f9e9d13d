import type { Cluster, Redis } from 'ioredis';

export type RedisClient = Redis | Cluster;

/** A Lua script: sent by its digest, and in full to an engine that does not know it. */
export class Script {
  readonly #text: string;
  readonly #digest: string;
  /** Called when the engine does not know the script, before it is sent in full. */
  onUnknown: () => void = () => undefined;

  private constructor(text: string, digest: string) {
    this.#text = text;
    this.#digest = digest;
  }

  static async of(text: string): Promise<Script> {
    const digest = await globalThis.crypto.subtle.digest('SHA-1', new TextEncoder().encode(text));
    return new Script(text, Buffer.from(digest).toString('hex'));
  }

  async run(client: RedisClient, keys: readonly string[], args: readonly (string | number)[]): Promise<unknown> {
    try {
      return await client.evalsha(this.#digest, keys.length, ...keys, ...args);
    } catch (error) {
      if (!isUnknownScript(error)) throw error;
      this.onUnknown();
      return client.eval(this.#text, keys.length, ...keys, ...args);
    }
  }

  /**
   * Runs the script and then WAIT on the same connection. Also returns the number of replicas that
   * acknowledged.
   */
  async runAndWait(
    client: RedisClient,
    keys: readonly string[],
    args: readonly (string | number)[],
    wait: { readonly replicas: number; readonly timeoutMs: number },
  ): Promise<{ reply: unknown; acknowledged: number }> {
    const { replicas, timeoutMs } = wait;
    const send = (command: 'eval' | 'evalsha', script: string) =>
      client
        .pipeline()
        [command](script, keys.length, ...keys, ...args)
        .wait(replicas, timeoutMs)
        .exec();
    let results = await send('evalsha', this.#digest);
    if (isUnknownScript(results?.[0]?.[0])) results = await send('eval', this.#text);
    const [script, waited] = results ?? [];
    const error = script?.[0] ?? waited?.[0];
    if (error) throw error;
    return { reply: script?.[1], acknowledged: Number(waited?.[1] ?? 0) };
  }
}

function isUnknownScript(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith('NOSCRIPT');
}
