import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { atTestEnd } from '../http/cleanup.js';
import { freePort } from '../free-port.js';
import { until } from '../time/until.js';

/** The paths of Prometheus and of its tool. Undefined if they are not installed. */
export const PROMETHEUS = find('prometheus');
export const PROMTOOL = find('promtool');

export interface PrometheusServer {
  /** The value of each series of the result of a query. */
  query(expr: string): Promise<number[]>;
  get(path: string): Promise<unknown>;
}

/** Starts a Prometheus that scrapes `/metrics` of an application. It is stopped after the test. */
export async function startPrometheus(port: number, rules: string): Promise<PrometheusServer> {
  const directory = mkdtempSync(join(tmpdir(), 'prometheus-'));
  const config = `
global: { scrape_interval: 200ms, scrape_timeout: 200ms, evaluation_interval: 200ms }
rule_files: [${JSON.stringify(rules)}]
scrape_configs: [{ job_name: app, static_configs: [{ targets: ['127.0.0.1:${port}'] }] }]
`;
  writeFileSync(join(directory, 'prometheus.yml'), config);
  const own = await freePort();
  const args = [`--config.file=${directory}/prometheus.yml`, `--storage.tsdb.path=${directory}/data`];
  const child = spawn(PROMETHEUS ?? 'prometheus', [...args, `--web.listen-address=127.0.0.1:${own}`], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let output = '';
  child.stderr.on('data', (bytes: Buffer) => (output += bytes.toString()));
  const exited = once(child, 'exit');
  atTestEnd(async () => {
    child.kill();
    await exited;
    rmSync(directory, { recursive: true, force: true });
  });
  const get = async (path: string): Promise<unknown> => {
    const response = await fetch(`http://127.0.0.1:${own}${path}`, { headers: { Connection: 'close' } });
    const text = await response.text();
    if (!response.ok) throw new Error(`Prometheus answers ${response.status} to ${path}: ${text}`);
    return JSON.parse(text);
  };
  await until(() => {
    if (child.exitCode !== null) throw new Error(`Prometheus did not start: ${output}`);
    return fetch(`http://127.0.0.1:${own}/-/ready`, { headers: { Connection: 'close' } }).then(
      ({ ok }) => ok,
      () => false,
    );
  });
  const query = async (expr: string): Promise<number[]> => {
    const answer = (await get(`/api/v1/query?query=${encodeURIComponent(expr)}`)) as {
      data: { result: { value: [number, string] }[] };
    };
    return answer.data.result.map(({ value: [, text] }) => Number(text));
  };
  return { query, get };
}

function find(program: string): string | undefined {
  const folders = (process.env.PATH ?? '').split(delimiter);
  return folders.map((folder) => join(folder, program)).find((path) => existsSync(path));
}
