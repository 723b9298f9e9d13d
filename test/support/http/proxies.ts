import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { atTestEnd } from './cleanup.js';
import type { Target } from './connection.js';
import { until } from '../time/until.js';
import { freePort } from '../free-port.js';

/** A reverse proxy in front of an application. */
export interface Proxy {
  readonly name: string;
  /** Its program; undefined where it is not installed. */
  readonly program: string | undefined;
  /** Its configuration file. Relative paths are below a directory of its own. */
  readonly config: (ports: { listen: number; upstream: number }) => string;
  readonly args: readonly string[];
  /** It closes its connection to the application when a waiting client leaves. */
  readonly reportsLeaving: boolean;
}

/** Debian's /etc/nginx/nginx.conf and site, with other paths and ports. */
const NGINX = ({ listen, upstream }: { listen: number; upstream: number }): string => `
worker_processes auto;
pid nginx.pid;
error_log error.log;
events {
  worker_connections 768;
}
http {
  client_body_temp_path body;
  proxy_temp_path proxy;
  fastcgi_temp_path fastcgi;
  uwsgi_temp_path uwsgi;
  scgi_temp_path scgi;
  sendfile on;
  tcp_nopush on;
  types_hash_max_size 2048;
  default_type application/octet-stream;
  access_log access.log;
  gzip on;
  server {
    listen 127.0.0.1:${listen};
    server_name _;
    location / {
      proxy_pass http://127.0.0.1:${upstream};
    }
  }
}
`;

/**
 * Debian's haproxy.cfg without the settings that need root, plus a frontend and a backend.
 */
const HAPROXY = ({ listen, upstream }: { listen: number; upstream: number }): string => `
defaults
  mode http
  option httplog
  option dontlognull
  timeout connect 5000
  timeout client 50000
  timeout server 50000
frontend all
  bind 127.0.0.1:${listen}
  default_backend application
backend application
  server application 127.0.0.1:${upstream}
`;

export const PROXIES: readonly Proxy[] = [
  {
    name: 'nginx',
    program: find('nginx'),
    config: NGINX,
    args: ['-p', '.', '-c', 'proxy.conf', '-e', 'error.log', '-g', 'daemon off;'],
    reportsLeaving: true,
  },
  {
    name: 'haproxy',
    program: find('haproxy'),
    config: HAPROXY,
    args: ['-db', '-f', 'proxy.conf'],
    // The manual of `option abortonclose`: without this option, HAProxy keeps the request, because
    // the client may still read.
    reportsLeaving: false,
  },
];

/** nginx, set to compress JSON that it forwards. */
export function withNginxGzip(proxy: Proxy): Proxy {
  const types = 'gzip on;\n  gzip_types application/json;\n  gzip_proxied any;\n  gzip_min_length 0;';
  return { ...proxy, config: (ports) => proxy.config(ports).replace('gzip on;', types) };
}

/** Adds lines to the `defaults` section of HAProxy. */
export function withHaproxyOption(proxy: Proxy, option: string): Proxy {
  return { ...proxy, config: (ports) => proxy.config(ports).replace('defaults\n', `defaults\n  option ${option}\n`) };
}

/**
 * The same proxy with shorter timeouts for held requests, in seconds. The default is about a
 * minute.
 */
export function withTimeouts(proxy: Proxy, seconds: number): Proxy {
  const scaled = (config: string): string =>
    config
      .replace('gzip on;', `gzip on;\n  proxy_read_timeout ${seconds}s;\n  proxy_send_timeout ${seconds}s;`)
      .replace('timeout client 50000', `timeout client ${seconds}s`)
      .replace('timeout server 50000', `timeout server ${seconds}s`);
  return { ...proxy, config: (ports) => scaled(proxy.config(ports)) };
}

/** Starts a proxy in front of an application; it is stopped after the test. */
export async function startProxy({ name, program, config, args }: Proxy, upstream: Target): Promise<Target> {
  if (program === undefined) throw new Error(`${name} is not installed`);
  const directory = mkdtempSync(join(tmpdir(), 'proxy-'));
  // If root starts nginx, another user runs its workers. That user needs access to the temporary
  // files.
  chmodSync(directory, 0o755);
  const port = await freePort();
  writeFileSync(join(directory, 'proxy.conf'), config({ listen: port, upstream: upstream.port }));
  const child = spawn(program, args, { cwd: directory, stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.on('data', (bytes: Buffer) => (said += bytes.toString()));
  atTestEnd(async () => {
    await stop(child);
    rmSync(directory, { recursive: true, force: true });
  });
  await until(() => {
    if (child.exitCode === null) return accepts(port);
    const log = join(directory, 'error.log');
    throw new Error(`${name} did not start: ${said}${existsSync(log) ? readFileSync(log, 'utf8') : ''}`);
  });
  return { port };
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  await exited;
}

/** Its path. Proxies live in sbin, which is not on every user's PATH. */
function find(name: string): string | undefined {
  const directories = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin', '/sbin'];
  return directories.map((directory) => join(directory, name)).find((path) => existsSync(path));
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => {
      resolve(false);
    });
  });
}
