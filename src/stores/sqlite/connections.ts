import { Checkpoints } from './checkpoints.js';
import type { Engine, Reader, Writer } from './engine.js';

/** The connections to one file: one reads, one commits, and one runs checkpoints. */
export interface Connections {
  readonly reader: Reader;
  readonly writer: Writer;
  readonly checkpointer: Writer;
}

const CACHE_KIB = 64 * 1024;

export async function openConnections(path: string, engine: Engine): Promise<Connections> {
  const opened: { -readonly [Name in keyof Connections]?: Connections[Name] } = {};
  try {
    const writer = (opened.writer = await engine.openWriter(path));
    const reader = (opened.reader = await engine.openReader(path));
    const checkpointer = (opened.checkpointer = await engine.openWriter(path));
    await writer.exec('PRAGMA journal_mode = WAL');
    await writer.exec('PRAGMA synchronous = FULL');
    await Checkpoints.limit(writer);
    await checkpointer.exec('PRAGMA synchronous = FULL');
    await writer.exec(`PRAGMA cache_size = -${CACHE_KIB}`);
    const mode = reader.prepare('PRAGMA journal_mode').get()?.journal_mode;
    if (mode !== 'wal') throw new Error(`the file system does not allow a write-ahead log (${String(mode)})`);
    return { reader, writer, checkpointer };
  } catch (error) {
    closeAll(opened);
    throw error;
  }
}

export function closeAll(connections: Partial<Record<keyof Connections, { close(): void }>>): void {
  const { reader, writer, checkpointer } = connections;
  reader?.close();
  checkpointer?.close();
  writer?.close();
}
