import type { SecurityRequirement } from '../../openapi/described-feed.js';
import type { OpenApiVersion } from '../../openapi/schema.js';
import { optionError, unknownOption } from '../settings.js';

/** How the OpenAPI document of an application describes a built-in controller. */
export interface OpenApiOptions {
  /**
   * The version of the document: `'3.0'`, `'3.1'` or `'3.2'`. Set the same version with
   * `setOpenAPIVersion` of the `DocumentBuilder`. With `'3.2'`, the document also has the schema of
   * each event of a stream, and the method `QUERY`.
   *
   * @default '3.0', as in `DocumentBuilder`
   */
  readonly version?: '3.0' | '3.1' | '3.2' | undefined;
  /**
   * The credentials that the guards of the application require, such as `[{ bearer: [] }]`. The
   * names are those of the security schemes in the `DocumentBuilder`. A caller needs the
   * credentials of one requirement. With `[]`, the routes need no credentials. This option replaces
   * the requirements in `decorators`. If tickets are on, the document also allows reads without
   * credentials.
   *
   * @default the requirements in `decorators`, or those of the whole document
   */
  readonly security?: readonly SecurityRequirement[] | undefined;
  /**
   * Whether the document allows types that the option `schemas` does not declare. The feed accepts
   * and delivers them. Set false if `schemas` has all types of the feed. Then a generated client in
   * TypeScript knows the data after it has compared `type`.
   *
   * @default true
   */
  readonly otherTypes?: boolean | undefined;
}

/** The options with their defaults. */
export interface OpenApiSettings {
  readonly version: OpenApiVersion;
  readonly security: readonly SecurityRequirement[] | undefined;
  readonly otherTypes: boolean;
}

export const OPEN_API: OpenApiSettings = { version: '3.0', security: undefined, otherTypes: true };

const VERSIONS: readonly unknown[] = ['3.0', '3.1', '3.2'] satisfies OpenApiVersion[];
const NAMES: readonly string[] = ['version', 'security', 'otherTypes'] satisfies (keyof OpenApiOptions)[];

/**
 * Checks the option `openApi` and fills in the defaults.
 * @throws Error that names the option, its value and the allowed values
 */
export function resolveOpenApi(given: unknown): OpenApiSettings | false {
  if (given === false) return false;
  if (given !== undefined && (typeof given !== 'object' || given === null || Array.isArray(given)))
    throw optionError('openApi', given, 'must be an object or false');
  const options: OpenApiOptions = given ?? {};
  const unknown = Object.keys(options).find((name) => !NAMES.includes(name));
  if (unknown !== undefined) throw unknownOption(`openApi.${unknown}`);
  const { version = OPEN_API.version, security, otherTypes = OPEN_API.otherTypes } = options;
  if (!VERSIONS.includes(version)) throw optionError('openApi.version', version, "must be '3.0', '3.1' or '3.2'");
  if (typeof otherTypes !== 'boolean') throw optionError('openApi.otherTypes', otherTypes, 'must be true or false');
  checkSecurity(security);
  return { version, security, otherTypes };
}

function checkSecurity(security: unknown): void {
  if (security === undefined) return;
  if (!Array.isArray(security))
    throw optionError('openApi.security', security, 'must be an array such as [{ bearer: [] }]');
  const index = security.findIndex((one) => !isRequirement(one));
  if (index < 0) return;
  const rule = 'must be an object with an array for each scheme, such as { bearer: [] }';
  throw optionError(`openApi.security[${index}]`, security[index], rule);
}

function isRequirement(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const scopes: readonly unknown[] = Object.values(value);
  return scopes.every((list) => Array.isArray(list) && list.every((scope) => typeof scope === 'string'));
}
