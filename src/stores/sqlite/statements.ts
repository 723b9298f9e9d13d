import type { Command, Query, Reader, Writer } from './engine.js';
import {
  ADD_BYTES,
  APPEND,
  ENTRIES_BETWEEN,
  ENTRY_AT,
  IDS_AFTER,
  READ_LOG,
  REMOVE,
  SET_FILE,
  SIZES_AFTER,
  TOPIC_POSITIONS,
  TOPIC_POSITIONS_BEFORE,
  TRIM,
  UPDATE_LOG,
} from './sql/statements.sql.js';

/** Statements that read, prepared once. */
export type Queries = Readonly<
  Record<'version' | 'log' | 'topic' | 'topicBefore' | 'entry' | 'sizes' | 'between' | 'ids' | 'begin' | 'end', Query>
>;

export function prepareQueries(reader: Reader): Queries {
  return {
    version: reader.prepare('PRAGMA data_version'),
    log: reader.prepare(READ_LOG),
    topic: reader.prepare(TOPIC_POSITIONS),
    topicBefore: reader.prepare(TOPIC_POSITIONS_BEFORE),
    entry: reader.prepare(ENTRY_AT),
    sizes: reader.prepare(SIZES_AFTER),
    between: reader.prepare(ENTRIES_BETWEEN),
    ids: reader.prepare(IDS_AFTER),
    begin: reader.prepare('BEGIN'),
    end: reader.prepare('COMMIT'),
  };
}

/** Statements that write. */
export type Commands = Readonly<
  Record<'begin' | 'append' | 'updateLog' | 'addBytes' | 'trim' | 'remove' | 'setFile', Command>
>;

export async function prepareCommands(writer: Writer): Promise<Commands> {
  return {
    begin: await writer.prepare('BEGIN IMMEDIATE'),
    append: await writer.prepare(APPEND),
    updateLog: await writer.prepare(UPDATE_LOG),
    addBytes: await writer.prepare(ADD_BYTES),
    trim: await writer.prepare(TRIM),
    remove: await writer.prepare(REMOVE),
    setFile: await writer.prepare(SET_FILE),
  };
}
