import type { ChannelDescription, ChannelMessage } from './described-feed.js';
import { eventHeaders } from './feed-channel.js';
import type { Schema, Schemas } from './schema.js';

/** The version of the specification. */
const VERSION = '3.1.0';
const HTTP_BINDING = '0.3.0';

/** The head of an AsyncAPI document. */
export interface AsyncApiInfo {
  /** Title of the application. */
  readonly title: string;
  /** Version of the application's interface. */
  readonly version: string;
  /** Text about the application. @default none */
  readonly description?: string | undefined;
  /**
   * Servers by name, as AsyncAPI defines them. An example is
   * `{ live: { host: 'app.example', protocol: 'https' } }`.
   *
   * @default none
   */
  readonly servers?: Readonly<Record<string, object>> | undefined;
}

/** An AsyncAPI document, as JSON. */
export interface AsyncApiDocument {
  readonly asyncapi: string;
  readonly info: Readonly<Record<string, unknown>>;
  readonly channels: Readonly<Record<string, object>>;
  readonly operations: Readonly<Record<string, object>>;
  readonly components: {
    readonly messages: Readonly<Record<string, object>>;
    readonly schemas: Readonly<Record<string, object>>;
  };
  readonly [field: string]: unknown;
}

/** A channel with its path. */
export interface AddressedChannel {
  readonly address: string;
  readonly channel: ChannelDescription;
}

/** Writes the document of some channels. */
export function asyncApiDocument(info: AsyncApiInfo, channels: readonly AddressedChannel[]): AsyncApiDocument {
  const { servers, title, version, description } = info;
  const all = channels.map(({ channel }) => channel);
  const messages = all.flatMap(({ received, published }) => [...received, ...published]);
  return {
    asyncapi: VERSION,
    info: { title, version, ...(description !== undefined && { description }) },
    defaultContentType: 'application/json',
    ...(servers && { servers }),
    channels: Object.fromEntries(channels.map((one) => [one.channel.id, channelOf(one)])),
    operations: Object.assign({}, ...all.map(operationsOf)) as Schemas,
    components: {
      messages: Object.fromEntries(messages.map((message) => [message.component, messageOf(message)])),
      schemas: Object.assign({}, ...all.map(({ schemas }) => schemas)) as Schemas,
    },
  };
}

function channelOf({ address, channel }: AddressedChannel): Schema {
  const { summary, received, published } = channel;
  const messages = [...received, ...published].map(({ component }) => [
    component,
    { $ref: `#/components/messages/${component}` },
  ]);
  return { address, summary, messages: Object.fromEntries(messages) as Schemas };
}

/** The application sends events, and receives what callers publish. */
function operationsOf({ id, summary, received, published, query }: ChannelDescription): Schemas {
  const channel = { $ref: `#/channels/${id}` };
  const refs = (messages: readonly ChannelMessage[]): readonly Schema[] =>
    messages.map(({ component }) => ({ $ref: `#/channels/${id}/messages/${component}` }));
  const send = {
    ...{ action: 'send', channel, summary, messages: refs(received) },
    description: 'The client sends `Accept: text/event-stream`. The id of each event is a cursor.',
    bindings: { http: { method: 'GET', query, bindingVersion: HTTP_BINDING } },
  };
  const receive = {
    ...{ action: 'receive', channel, messages: refs(published) },
    bindings: { http: { method: 'POST', bindingVersion: HTTP_BINDING } },
  };
  return { [`send${id}`]: send, ...(published.length > 0 && { [`receive${id}`]: receive }) };
}

function messageOf({ component, event, isBody, summary, payload }: ChannelMessage): Schema {
  return { name: component, summary, ...(isBody !== true && { headers: eventHeaders(event) }), payload };
}
