/*
 * Servers that do not run on Node.js. `server.ts` starts each of them as a process, if it is
 * installed. `server.ts` publishes to them over HTTP, and reads their CPU time from /proc.
 */
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort } from '../../test/support/free-port.js';
import { pause } from '../../test/support/time/pause.js';

export interface Program {
  readonly port: number;
  /** The CPU time of all its processes, in µs. */
  cpuUs(): number;
  post(topic: string, json: string): Promise<unknown>;
}

const NCHAN_MODULE = '/usr/lib/nginx/modules/ngx_nchan_module.so';
const NGINX = '/usr/sbin/nginx';

export const isInstalled = {
  go: () => spawnSync('go', ['version']).status === 0,
  nchan: () => existsSync(NCHAN_MODULE),
};

/** Go's net/http, on one core like the other servers. */
export async function go(): Promise<Program> {
  const folder = temporaryFolder();
  const source = fileURLToPath(new URL('../peers/longpoll.go', import.meta.url));
  const binary = join(folder, 'longpoll');
  execFileSync('go', ['build', '-o', binary, source], { env: { ...process.env, GO111MODULE: 'off' } });
  const child = started(binary, [], { GOMAXPROCS: '1' });
  const [line] = (await once(child.stdout!, 'data')) as [Buffer];
  return program(Number(String(line)), () => [child.pid!]);
}

/** nginx with its nchan module. */
export async function nchan(): Promise<Program> {
  const folder = temporaryFolder();
  const port = await freePort();
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${name};`);
  const location = (path: string, directives: string): string =>
    `location = ${path} { ${directives} nchan_channel_id $arg_topic; }`;
  const config = `
    daemon off; pid nginx.pid; worker_processes 1; worker_rlimit_nofile 25000; load_module ${NCHAN_MODULE};
    events { worker_connections 24000; }
    http {
      access_log off; ${temporary.join(' ')} keepalive_timeout 300s; keepalive_requests 100000000;
      nchan_shared_memory_size 512M;
      server {
        listen 127.0.0.1:${port} backlog=4096;
        ${location('/publish', 'nchan_publisher http;')}
        ${location('/notifications', 'nchan_subscriber longpoll; nchan_subscriber_first_message newest; nchan_subscriber_timeout 30s;')}
        ${location('/stream', 'nchan_subscriber eventsource; nchan_subscriber_first_message newest;')}
      }
    }`;
  writeFileSync(join(folder, 'nginx.conf'), config);
  const master = started(NGINX, ['-p', `${folder}/`, '-c', 'nginx.conf', '-e', 'error.log']);
  const children = (): number[] =>
    readFileSync(`/proc/${master.pid}/task/${master.pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number);
  const all = program(port, children);
  await answering(port);
  return all;
}

function program(port: number, processes: () => number[]): Program {
  return {
    port,
    cpuUs: () => processes().reduce((sum, pid) => sum + cpuUsOf(pid), 0),
    post: async (topic, body) => {
      const response = await fetch(`http://127.0.0.1:${port}/publish?topic=${topic}`, { method: 'POST', body });
      await response.arrayBuffer();
    },
  };
}

/**
 * The CPU time of all threads. schedstat counts nanoseconds; /proc/PID/stat counts only hundredths
 * of a second.
 */
function cpuUsOf(pid: number): number {
  return readdirSync(`/proc/${pid}/task`).reduce((sum, thread) => {
    const [ns = '0'] = readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ');
    return sum + Number(ns) / 1000;
  }, 0);
}

function started(command: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): ChildProcess {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, ...env } });
  process.on('exit', () => child.kill());
  return child;
}

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'nest-notifications-bench-'));
  process.on('exit', () => {
    rmSync(folder, { recursive: true, force: true });
  });
  return folder;
}

async function answering(port: number): Promise<void> {
  for (let tries = 0; tries < 100; tries++) {
    const isUp = await fetch(`http://127.0.0.1:${port}/`).then(
      () => true,
      () => false,
    );
    if (isUp) return;
    await pause(50);
  }
  throw new Error(`nothing answers on port ${port}`);
}
