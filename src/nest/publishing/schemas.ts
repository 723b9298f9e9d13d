import type { StandardSchemaV1 } from '@standard-schema/spec';
import { checkData, type PublishItem } from '../../core/draft.js';
import { NotificationsError } from '../../core/errors.js';
import { inItem } from '../../wire/publish.js';
import type { PublishContext } from '../context.js';

type SchemaContext = Pick<PublishContext, 'schemas' | 'settings'>;

/**
 * Replaces the data of each item by the output of its schema.
 * @throws NotificationsError `data_invalid`
 */
export async function validItems(
  items: readonly PublishItem[],
  context: SchemaContext,
): Promise<readonly PublishItem[]> {
  if (!items.some(({ type }) => schemaOf(type, context))) return items;
  return Promise.all(items.map((item, index) => validItem(item, { index, count: items.length }, context)));
}

async function validItem(
  item: PublishItem,
  { index, count }: { readonly index: number; readonly count: number },
  context: SchemaContext,
): Promise<PublishItem> {
  const schema = schemaOf(item.type, context);
  if (!schema) return item;
  // A schema may recurse into its data, so data that is nested too deeply is rejected first.
  inItem(count, index, () => checkData(item.data, context.settings.publish));
  const result = await schema['~standard'].validate(item.data);
  return inItem(count, index, () => ({ ...item, data: validData(item.type, result) }));
}

function schemaOf(type: string, { schemas }: SchemaContext): StandardSchemaV1 | undefined {
  return Object.hasOwn(schemas, type) ? schemas[type] : undefined;
}

function validData(type: string, result: StandardSchemaV1.Result<unknown>): unknown {
  if (!result.issues) return result.value;
  const [issue] = result.issues;
  const path = (issue?.path ?? []).map((part) => String(typeof part === 'object' ? part.key : part));
  const where = ['data', ...path].join('.');
  throw new NotificationsError(
    'data_invalid',
    `${where} does not match the schema of ${type}: ${issue?.message ?? ''}`,
  );
}
