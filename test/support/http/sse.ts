import { Connection, type Request, type Target } from './connection.js';
import type { Message } from './message.js';

/** One block of an event stream, with its fields in their order. */
export interface Block {
  readonly fields: readonly (readonly [name: string, value: string])[];
  readonly event?: string;
  readonly id?: string;
  readonly retry?: string;
  readonly data?: string;
}

/**
 * Reads an event stream block by block. Rejects every block that docs/protocol.md does not
 * describe.
 */
export class SseReader {
  readonly connection: Connection;
  readonly head: Message;
  #partsRead = 0;
  #unread = '';
  /** The last `id` of a complete block, from which a client continues. */
  lastId = '';

  private constructor(connection: Connection, head: Message) {
    this.connection = connection;
    this.head = head;
  }

  /** Opens a stream, and resolves when its head has arrived. */
  static async open(target: Target, query: string, headers: Request['headers'] = {}): Promise<SseReader> {
    const connection = await Connection.open(target);
    connection.send({ path: `/notifications?${query}`, headers: { Accept: 'text/event-stream', ...headers } });
    return new SseReader(connection, await connection.head());
  }

  /** All bytes of the stream so far. */
  get text(): string {
    return this.head.text;
  }

  /** The server has ended the stream. */
  get ended(): boolean {
    return this.head.complete;
  }

  /** The opening of a stream that starts at a position: `retry`, and a `cursor` event. */
  async opening(): Promise<Block> {
    const first = await this.next();
    const [retry, ...cursor] = first.fields;
    if (retry?.[0] !== 'retry' || JSON.stringify(cursor) !== show(cursorBlock(first.id ?? ''))) {
      throw new Error(`no opening: ${show(first)}`);
    }
    return first;
  }

  /** The next block, comments left out. */
  async next(): Promise<Block> {
    for (;;) {
      await this.connection.when(() => this.#readsBlock(), 'a block of the stream');
      const block = this.#take();
      if (block) return block;
    }
  }

  async nextBlocks(count: number): Promise<Block[]> {
    const blocks: Block[] = [];
    while (blocks.length < count) blocks.push(await this.next());
    return blocks;
  }

  /** Reads the next notifications. Skips cursor blocks, and rejects other blocks. */
  async notifications(count: number): Promise<{ data: { n: number }; topic: string }[]> {
    const notifications: { data: { n: number }; topic: string }[] = [];
    while (notifications.length < count) {
      const block = await this.next();
      if (isNotification(block)) notifications.push(JSON.parse(block.data!));
      else if (block.event !== 'cursor') throw new Error(`no notification: ${show(block)}`);
    }
    return notifications;
  }

  /** The rest of the stream, up to its end. */
  async rest(): Promise<Block[]> {
    await this.connection.when(() => this.ended, 'the end of the stream');
    const blocks = this.available();
    // The reconnection time follows the last block.
    return this.#unread === '' ? blocks : [...blocks, blockOf(this.#unread.trimEnd().split('\n'))];
  }

  /** The received blocks that the test has not read. */
  available(): Block[] {
    const blocks: Block[] = [];
    while (this.#readsBlock()) {
      const block = this.#take();
      if (block) blocks.push(block);
    }
    return blocks;
  }

  close(): Promise<void> {
    return this.connection.destroy();
  }

  #readsBlock(): boolean {
    const { parts } = this.head;
    while (this.#partsRead < parts.length) this.#unread += parts[this.#partsRead++] ?? '';
    return this.#unread.includes('\n\n');
  }

  /** Parses a block; undefined if it has only comments. */
  #take(): Block | undefined {
    const end = this.#unread.indexOf('\n\n');
    const lines = this.#unread.slice(0, end).split('\n');
    this.#unread = this.#unread.slice(end + 2);
    const fields = lines.filter((line) => !line.startsWith(':'));
    if (fields.length === 0) return undefined;
    const block = blockOf(fields);
    this.lastId = block.id ?? this.lastId;
    return block;
  }
}

export function namesOf({ fields }: Block): string[] {
  return fields.map(([name]) => name);
}

/** Notifications have no event name, so that `onmessage` gets them. */
export function isNotification({ event, data }: Block): boolean {
  return event === undefined && data !== undefined;
}

/** The block that moves a client's cursor without a notification. */
export function cursorBlock(id: string): Block {
  return blockOf(['event: cursor', 'data: {}', `id: ${id}`]);
}

function blockOf(lines: readonly string[]): Block {
  const fields = lines.map((line): [string, string] => {
    const [, name, value] = /^(event|id|retry|data): (.*)$/s.exec(line) ?? [];
    if (name === undefined || value === undefined) throw new Error(`no field of this protocol: ${line}`);
    return [name, value];
  });
  return { fields, ...Object.fromEntries(fields) };
}

function show(block: Block): string {
  return JSON.stringify(block.fields);
}
