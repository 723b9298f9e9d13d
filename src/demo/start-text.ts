import { type Environment, isLoopback, settingsOf } from './environment.js';
import { storeNote } from './store.js';

/**
 * The text that the server prints when it listens: the address, commands to try, and the settings.
 */
export function startText(environment: Environment, port: number): string {
  const origin = originOf(environment.HOST, port);
  const feed = `${origin}/notifications`;
  const body = JSON.stringify({ topic: 'demo', type: 'greeting', data: { text: 'Hello' } });
  const settings = settingsOf({ ...environment, PORT: port });
  const nameWidth = Math.max(...settings.map(({ name }) => name.length));
  const valueWidth = Math.max(...settings.map(({ value }) => value.length));
  return [
    `nest-notifications is listening. Look at it: ${origin}/`,
    '',
    'Or paste into other terminals:',
    '',
    '  # follow as a stream (server-sent events), until Ctrl-C',
    `  curl -sSN -H 'Accept: text/event-stream' '${feed}?topic=system.pulse,demo'`,
    '',
    '  # publish',
    `  curl -sS '${feed}' -H 'Content-Type: application/json' -d '${body}'`,
    '',
    '  # long poll: answers with all notifications; then continue with cursor=<the cursor of the answer>',
    `  curl -sS '${feed}?topic=demo&cursor=earliest'`,
    '',
    'Environment variables, with their present values:',
    '',
    ...settings.map(
      ({ name, value, meaning }) => `  ${name.padEnd(nameWidth)}  ${value.padEnd(valueWidth)}  ${meaning}`,
    ),
    '',
    publicText(environment.HOST),
    `${storeNote(environment.STORE)} Ctrl-C ends.`,
  ].join('\n');
}

/** Undefined if only clients on this machine can connect. */
export function exposureWarning(host: string): string | undefined {
  if (isLoopback(host)) return undefined;
  return `WARNING: HOST is ${host}: every client that can connect to this address may read and publish.`;
}

function publicText(host: string): string {
  const statement = 'This server is public: every client that can connect may read and publish on every topic.';
  return isLoopback(host) ? `${statement}\nSo it listens on ${host}, which only this machine can reach.` : statement;
}

/** A browser cannot open a wildcard address; a client on the machine uses the loopback address. */
function originOf(host: string, port: number): string {
  const reachable = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host;
  return `http://${reachable.includes(':') ? `[${reachable}]` : reachable}:${port}`;
}
