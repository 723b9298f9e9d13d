import type { Attributes } from '@opentelemetry/api';
import { isTopic } from '../../core/names.js';
import { covers } from '../../core/patterns.js';

/** Operations of the semantic conventions for messaging, with their types. */
const OPERATIONS = { publish: 'send', append: 'send', deliver: 'process' } as const;

export type Operation = keyof typeof OPERATIONS;

/** Attributes that every span of an operation has. */
export function operationAttributes(operation: Operation): Attributes {
  return {
    'messaging.system': 'nest_notifications',
    'messaging.operation.name': operation,
    'messaging.operation.type': OPERATIONS[operation],
  };
}

/**
 * The name and the attributes of a span, with its destination if it has exactly one valid topic.
 */
export interface Destination {
  /** The name of the span. */
  readonly name: string;
  readonly attributes: Attributes;
}

/**
 * The name of a span has the declared pattern of the topic, but never the topic itself. There
 * should be few names, and applications often have a topic for each user. An invalid topic is left
 * out of the span, because callers choose its text and its length.
 */
export function destinationOf(
  operation: Operation,
  topics: ReadonlySet<unknown>,
  patterns: readonly string[],
): Destination {
  const [topic] = topics;
  if (topics.size !== 1 || !isTopic(topic)) return { name: operation, attributes: operationAttributes(operation) };
  const template = patterns.find((pattern) => covers(pattern, topic));
  return {
    name: template === undefined ? operation : `${operation} ${template}`,
    attributes: {
      ...operationAttributes(operation),
      'messaging.destination.name': topic,
      ...(template !== undefined && { 'messaging.destination.template': template }),
    },
  };
}
