/** There was no answer in time. */
export class NoAnswer extends Error {}

/**
 * The log is missing, was rewound, or belongs to another epoch or engine. The log is verified
 * before the call is repeated.
 */
export class LogChanged extends Error {}

/**
 * The answer is from an old server: a failover has moved the log to another server. The known epoch
 * continues the epoch of the answer.
 */
export class OutdatedServer extends LogChanged {}

/** Classes of SQLSTATE for invalid values: bad data, violated constraints, exceeded limits. */
const DATA_CLASSES = ['22', '23', '54'];
/** Undefined table, function or schema, and a missing row: the schema was dropped or emptied. */
const GONE = ['42P01', '42883', '3F000', 'P0002'];
/**
 * Error codes of the operating system begin with E. Some also have five characters, such as
 * `EPIPE`.
 */
const SQLSTATE = /^(?!E)[0-9A-Z]{5}$/;

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
 * True if a prepared statement is missing on a connection, or already exists there. Both occur
 * behind a pooler.
 */
export function isNotPrepared(error: unknown): boolean {
  return ['26000', '42P05'].includes(sqlStateOf(error) ?? '');
}

/**
 * True if a connection is unusable after an error. The connection is lost or does not answer, or
 * its server shuts down, accepts no writes or is outdated after a failover. If only a statement
 * fails, the connection stays usable.
 */
export function endsConnection(error: unknown): boolean {
  if (error instanceof LogChanged) return error instanceof OutdatedServer;
  const state = sqlStateOf(error);
  return state === undefined || ['08', '25', '57', '58', 'XX'].includes(state.slice(0, 2));
}

/** Reasons that operators can act on. Other codes are reported unchanged. */
const REASONS: Readonly<Record<string, string>> = {
  '28P01': 'wrong password',
  '28000': 'the role is not allowed to connect',
  '3D000': 'the database does not exist',
  '42501': 'the role lacks a privilege',
  '25006': 'the server is a standby or read-only',
  '53300': 'the server has too many connections',
  '53400': 'the server has reached a configured limit',
  '57P03': 'the server is starting up or recovering',
};

/**
 * The reason of a failure, for the log of the application. It uses only codes and texts of this
 * library, as messages of the engine and of the runtime may contain users and addresses.
 */
export function reasonOf(error: unknown): string {
  if (error instanceof NoAnswer) return error.message;
  if (error instanceof OutdatedServer) return 'a failover has moved the log away from the server that answers';
  if (error instanceof LogChanged) return 'the log keeps changing';
  const { code, message } = error as { code?: unknown; message?: unknown };
  const state = sqlStateOf(error);
  if (state !== undefined) return REASONS[state] === undefined ? `SQLSTATE ${state}` : `${REASONS[state]} (${state})`;
  if (typeof code === 'string') return code;
  return typeof message === 'string' && /timeout/i.test(message) ? 'no answer in time' : 'the connection was lost';
}
