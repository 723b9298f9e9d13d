/** No answer in time. */
export class NoAnswer extends Error {}

/** The tables or the row of the log are gone, or hold less than was seen in them: look again before going on. */
export class LogChanged extends Error {}

/** Classes of SQLSTATE that blame the values and not the engine: bad data, broken constraints, what exceeds a limit. */
const DATA_CLASSES = ['22', '23', '54'];
/** Undefined table, function or schema, and a row that should be there: somebody has dropped or emptied the schema. */
const GONE = ['42P01', '42883', '3F000', 'P0002'];
/** Five characters, as PostgreSQL has them; codes of the runtime are longer. */
const SQLSTATE = /^[0-9A-Z]{5}$/;

export function sqlStateOf(error: unknown): string | undefined {
  const { code } = error as { code?: unknown };
  return typeof code === 'string' && SQLSTATE.test(code) ? code : undefined;
}

export function isDataError(error: unknown): boolean {
  return DATA_CLASSES.includes(sqlStateOf(error)?.slice(0, 2) ?? '');
}

export function isLogChanged(error: unknown): boolean {
  return error instanceof LogChanged || GONE.includes(sqlStateOf(error) ?? '');
}

/**
 * What operators are told. Messages of the engine and of the runtime may repeat users and addresses, so it is the code
 * alone, and the message only of what was made here.
 */
export function reasonOf(error: unknown): string {
  if (error instanceof NoAnswer) return error.message;
  const { code, message } = error as { code?: unknown; message?: unknown };
  if (typeof code === 'string') return sqlStateOf(error) === undefined ? code : `SQLSTATE ${code}`;
  return typeof message === 'string' && /timeout/i.test(message) ? 'no answer in time' : 'the connection was lost';
}
