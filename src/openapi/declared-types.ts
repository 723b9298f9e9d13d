import type { StandardJSONSchemaV1, StandardSchemaV1 } from '@standard-schema/spec';
import { ANY, componentName, type DocumentVersion, reference, type Schema, type Schemas } from './schema.js';

/** A notification type with a schema, and the components of its data. */
export interface DeclaredType {
  readonly type: string;
  /** The start of the names of its components. */
  readonly component: string;
  /** The data that clients receive. */
  readonly output: Schema;
  /** The data that callers publish. */
  readonly input: Schema;
  readonly components: Schemas;
  /** Components of the input, if they differ from those of the output. */
  readonly inputComponents: Schemas;
}

/** A JSON Schema with definitions of its own. */
interface Converted {
  readonly schema: Schema;
  readonly definitions: Schemas;
}

/** The dialect of JSON Schema in each document. */
const TARGETS: Readonly<Record<DocumentVersion, string>> = {
  '3.0': 'openapi-3.0',
  '3.1': 'draft-2020-12',
  '3.2': 'draft-2020-12',
  asyncapi: 'draft-07',
};

export interface DeclaredTypesOptions {
  /** The start of the names of all components. */
  readonly prefix: string;
  readonly version: DocumentVersion;
}

/**
 * Converts the schemas of an application to JSON Schema. The library of a schema does this, as
 * Standard JSON Schema defines. If it does not, or if the schema has no equivalent, the document
 * allows any data.
 */
export function declaredTypes(
  schemas: Readonly<Record<string, StandardSchemaV1>>,
  { prefix, version }: DeclaredTypesOptions,
): readonly DeclaredType[] {
  const target = TARGETS[version];
  // The components of the feed itself begin with these names.
  const used = new Set([`${prefix}Feed`, `${prefix}Other`, publishName(`${prefix}Other`)]);
  return Object.entries(schemas).map(([type, schema]) => {
    const component = unusedName(prefix + componentName(type), used);
    const output = convert(schema, 'output', target);
    const input = convert(schema, 'input', target);
    const outputName = `${component}Data`;
    const isSame = JSON.stringify(output) === JSON.stringify(input);
    const inputName = isSame ? outputName : `${component}Input`;
    const components = componentsOf(output, outputName);
    const inputComponents = isSame ? {} : componentsOf(input, inputName);
    return { type, component, output: reference(outputName), input: reference(inputName), components, inputComponents };
  });
}

/** The name of the message that publishes a type. */
export function publishName(component: string): string {
  return `${component}Publish`;
}

/**
 * Different types may have the same words: `order.shipped` and `order-shipped`. The name of the
 * message that publishes a type is also reserved: another type may have the name
 * `order.shipped.publish`.
 */
function unusedName(wanted: string, used: Set<string>): string {
  let name = wanted;
  for (let number = 2; used.has(name) || used.has(publishName(name)); number++) name = `${wanted}${number}`;
  used.add(name).add(publishName(name));
  return name;
}

function convert(schema: StandardSchemaV1, direction: 'input' | 'output', target: string): Converted | undefined {
  const { jsonSchema } = schema['~standard'] as Partial<StandardJSONSchemaV1.Props>;
  try {
    const converted = jsonSchema?.[direction]({ target });
    if (!converted) return undefined;
    const { $schema: _, $defs = {}, definitions = {}, ...rest } = converted;
    return { schema: rest, definitions: { ...($defs as Schemas), ...(definitions as Schemas) } };
  } catch {
    return undefined;
  }
}

function componentsOf(converted: Converted | undefined, name: string): Schemas {
  if (!converted) return { [name]: ANY };
  const { schema, definitions } = converted;
  const own = Object.entries(definitions).map(([key, definition]) => [`${name}${componentName(key)}`, definition]);
  const all = Object.entries({ [name]: schema, ...(Object.fromEntries(own) as Schemas) });
  return Object.fromEntries(all.map(([key, value]) => [key, withReferences(value, name) as Schema]));
}

/** Points the references inside a schema to the components of the document. */
function withReferences(value: unknown, name: string): unknown {
  if (Array.isArray(value)) return value.map((item) => withReferences(item, name));
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([key, child]) =>
    key === '$ref' && typeof child === 'string'
      ? [key, componentReference(child, name)]
      : [key, withReferences(child, name)],
  );
  return Object.fromEntries(entries) as Schema;
}

function componentReference(given: string, name: string): string {
  const [, definition] = /^#\/(?:\$defs|definitions)\/([^/]+)$/.exec(given) ?? [];
  if (given !== '#' && definition === undefined) return given;
  return `#/components/schemas/${name}${definition === undefined ? '' : componentName(definition)}`;
}
