/** No answer in time. */
export class NoAnswer extends Error {}

/**
 * The log is gone, was rewound, or belongs to another epoch or engine: it is verified before the
 * call is repeated.
 */
export class LogChanged extends Error {}

/**
 * The answer comes from a server that the log has left: its epoch is one that the known epoch
 * continues.
 */
export class OutdatedServer extends LogChanged {}

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
 * Whether a connection is of no use after an error: it is lost, it does not answer, or its server
 * is shutting down, takes no writes, or has been left by the log. After an error of a statement
 * alone the connection is kept.
 */
export function endsConnection(error: unknown): boolean {
  if (error instanceof LogChanged) return error instanceof OutdatedServer;
  const state = sqlStateOf(error);
  return state === undefined || ['08', '25', '57', '58', 'XX'].includes(state.slice(0, 2));
}

/** Reasons that operators can act on; other codes are reported as they are. */
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
 * The reason of a failure, for the log of the application. Messages of the engine and of the
 * runtime may repeat users and addresses, so only codes and our own texts are used.
 */
export function reasonOf(error: unknown): string {
  if (error instanceof NoAnswer) return error.message;
  if (error instanceof OutdatedServer) return 'a server answers that the log has left at a failover';
  if (error instanceof LogChanged) return 'the log keeps changing';
  const { code, message } = error as { code?: unknown; message?: unknown };
  const state = sqlStateOf(error);
  if (state !== undefined) return REASONS[state] === undefined ? `SQLSTATE ${state}` : `${REASONS[state]} (${state})`;
  if (typeof code === 'string') return code;
  return typeof message === 'string' && /timeout/i.test(message) ? 'no answer in time' : 'the connection was lost';
}
