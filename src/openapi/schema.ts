/** The version of an OpenAPI document, without its last number. */
export type OpenApiVersion = '3.0' | '3.1' | '3.2';

/** The document for which a schema is written. */
export type DocumentVersion = OpenApiVersion | 'asyncapi';

/** A JSON Schema, or another part of a document. */
export type Schema = Readonly<Record<string, unknown>>;

/** Schemas by the name of their component. */
export type Schemas = Readonly<Record<string, Schema>>;

/** Allows any JSON value. */
export const ANY: Schema = {};

/** A reference to a component. OpenAPI and AsyncAPI have the same path. */
export function reference(component: string): Schema {
  return { $ref: `#/components/schemas/${component}` };
}

/** An object whose properties are required, except those of `optional`. */
export function objectOf(required: Schemas, optional: Schemas = {}): Schema {
  return { type: 'object', properties: { ...required, ...optional }, required: Object.keys(required) };
}

/** Text with a description. */
export function text(description: string, rules: Schema = {}): Schema {
  return { type: 'string', ...rules, description };
}

/** Makes a name for a component: `order.shipped` becomes `OrderShipped`. */
export function componentName(name: string): string {
  return name
    .split(/[^A-Za-z0-9]+/)
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join('');
}
