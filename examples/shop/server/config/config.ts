import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

/** The environment variables of the shop. README.md lists them. */
const environment = z.object({
  DATABASE_URL: z
    .string()
    .regex(/^postgres(?:ql)?:\/\//, 'must begin with postgres:// or postgresql://')
    .optional(),
  DATA_FOLDER: z.string().min(1).default('data'),
  HOST: z.string().min(1).default('127.0.0.1'),
  PORT: z.coerce.number().int().min(0).max(65_535).default(3000),
  JWT_SECRET: z.string().min(32).optional(),
  DELIVERY_SECONDS: z.coerce.number().min(0).max(86_400).default(20),
  NODE_ENV: z.string().default('development'),
});

/** The configuration of the shop, for injection. */
export class Config {
  /** Undefined: SQLite files in the data folder. */
  readonly databaseUrl: string | undefined;
  readonly dataFolder: string;
  readonly host: string;
  readonly port: number;
  readonly jwtSecret: string;
  /** The pause between two simulated deliveries of a supplier; 0 turns them off. */
  readonly deliveryMs: number;
  readonly isProduction: boolean;

  /** @throws Error with one line for each variable that is wrong */
  constructor(variables: Readonly<Record<string, string | undefined>>) {
    const result = environment.safeParse(variables);
    if (!result.success) {
      throw new Error(result.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('\n'));
    }
    const { DATABASE_URL, DATA_FOLDER, HOST, PORT, JWT_SECRET, DELIVERY_SECONDS, NODE_ENV } = result.data;
    this.databaseUrl = DATABASE_URL;
    this.dataFolder = DATA_FOLDER;
    this.host = HOST;
    this.port = PORT;
    this.deliveryMs = DELIVERY_SECONDS * 1_000;
    this.isProduction = NODE_ENV === 'production';
    if (this.isProduction && JWT_SECRET === undefined) {
      throw new Error('JWT_SECRET: required when NODE_ENV is production');
    }
    mkdirSync(this.dataFolder, { recursive: true });
    this.jwtSecret = JWT_SECRET ?? keptSecret(this.dataFolder);
  }
}

/** A secret for development. It is kept in a file, so that a restart ends no session. */
function keptSecret(folder: string): string {
  const path = join(folder, 'jwt-secret');
  if (!existsSync(path)) writeFileSync(path, randomBytes(32).toString('base64url'), { mode: 0o600 });
  return readFileSync(path, 'utf8');
}
