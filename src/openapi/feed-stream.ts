import { CURSOR_EVENT, EVENT_STREAM_TYPE, GAP_EVENT, RETRACTED_EVENT } from '../wire/protocol.js';
import { CURSOR } from './feed-schemas.js';
import { type DocumentVersion, reference, type Schema } from './schema.js';

const DESCRIPTION =
  'Server-sent events. A notification has `data` and `id`, and no name. The events `gap`, `retracted` and `cursor` have names. ' +
  'The id of each event is a cursor.';

/**
 * The content of an event stream: text, or from OpenAPI 3.2 the schema of each event.
 * @param component The component that is the `data` of an event without a name.
 */
export function streamContent(version: DocumentVersion, component: string): Schema {
  const whole = { type: 'string', description: DESCRIPTION };
  return { [EVENT_STREAM_TYPE]: version === '3.2' ? { itemSchema: eventSchema(component) } : { schema: whole } };
}

/** One event, as OpenAPI 3.2 shows event streams: `data` is text with its own schema. */
function eventSchema(component: string): Schema {
  return {
    type: 'object',
    description: DESCRIPTION,
    properties: {
      event: { type: 'string' },
      data: { type: 'string' },
      id: CURSOR,
      retry: { type: 'integer', minimum: 0, description: 'Milliseconds until the client reconnects.' },
    },
    oneOf: [
      { required: ['data', 'id'], properties: { event: false, data: json(reference(component)) } },
      { required: ['event', 'data', 'id'], properties: named(GAP_EVENT, reference('FeedGap')) },
      { required: ['event', 'data', 'id'], properties: named(RETRACTED_EVENT, reference('FeedRetraction')) },
      { required: ['event', 'data', 'id'], properties: named(CURSOR_EVENT, { type: 'object', maxProperties: 0 }) },
    ],
  };
}

function named(event: string, data: Schema): Schema {
  return { event: { const: event }, data: json(data) };
}

function json(contentSchema: Schema): Schema {
  return { contentMediaType: 'application/json', contentSchema };
}
