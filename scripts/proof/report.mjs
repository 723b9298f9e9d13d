/** Writes the report as text. */
export function reportText({ parts, machine, versions }) {
  const rows = parts.map(
    ({ name, count, unit, failed, skipped, seconds, startedAt }) =>
      `| ${name} | ${number(count)} ${unit} | ${wrong(failed)}${skipped > 0 ? `, ${skipped} skipped` : ''} | ${duration(seconds)} | ${startedAt.slice(0, 16).replace('T', ' ')} |`,
  );
  return [
    '# What was run, and what went wrong',
    '',
    'Written by `npm run proof`; [report.json](report.json) has all details. Each section describes the last run of its part, with its settings,',
    'so that you can repeat it. [Defects](defects.md) lists the defects that such runs have found, and the test of each fix.',
    '',
    '![How much was run, and the heap over the soak](report.svg)',
    '',
    '| part | what was run | went wrong | took | when (UTC) |',
    '| --- | --- | --- | --- | --- |',
    ...rows,
    '',
    `On ${machine}, with ${versions.join(', ')}.`,
    '',
    ...parts.flatMap(section),
  ].join('\n');
}

function section({ name, what, passed, failed, failures, details, environment }) {
  const settings = Object.entries(environment).map(([variable, value]) => `\`${variable}=${value}\``);
  return [
    `## ${name}`,
    '',
    `${what} ${settings.length > 0 ? `With ${settings.join(', ')}. ` : ''}${number(passed)} passed, ${number(failed)} failed.`,
    '',
    ...(failures.length > 0 ? [...failures.map((failure) => `- FAILED: ${failure}`), ''] : []),
    ...(SUMMARIES[name]?.(details) ?? []),
  ];
}

const SUMMARIES = {
  faults: (details) => [
    ...counted(
      'Faults of nodes, engines and clocks',
      tally(details.flatMap(({ done }) => done.map((one) => [one, 1]))),
    ),
    ...counted('Faults of connections', tally(details.flatMap(({ suffered }) => Object.entries(suffered)))),
    `Meanwhile ${number(sum(details, 'acknowledged'))} notifications were acknowledged, and publishing was refused ${number(sum(details, 'refused'))} times.`,
    '',
  ],
  leaks: (details) => [
    ...details
      .filter(({ proof }) => proof === 'aborts')
      .map(
        ({ adapter, cycles, growthBytes }) =>
          `- ${adapter}: ${number(cycles)} clients disconnected; by a linear fit the heap has changed by ${kib(growthBytes)} over all of them.`,
      ),
    '',
  ],
  soak: (details) => [
    ...details.map(
      ({ adapter, seconds, published, answered, aborted, growthBytes }) =>
        `- ${adapter}: ${duration(seconds)}, ${number(published)} published, ${number(answered)} answers to clients whose histories are checked, ${number(aborted)} clients disconnected; by a linear fit the heap has changed by ${kib(growthBytes)}.`,
    ),
    '',
  ],
};

function counted(title, counts) {
  const parts = [...counts].map(([name, count]) => `${name} ${number(count)}`);
  return parts.length > 0 ? [`${title}: ${parts.join(', ')}.`, ''] : [];
}

function tally(pairs) {
  const counts = new Map();
  for (const [name, count] of pairs) counts.set(name, (counts.get(name) ?? 0) + count);
  return counts;
}

function sum(details, name) {
  return details.reduce((total, detail) => total + (detail[name] ?? 0), 0);
}

function wrong(failed) {
  return failed === 0 ? 'nothing' : `**${failed} failures**`;
}

export function number(value) {
  return String(value).replace(/\B(?=(\d{3})+$)/g, ',');
}

function kib(bytes) {
  return `${(bytes / 1_024).toFixed(0)} KiB`;
}

function duration(seconds) {
  return seconds < 120 ? `${seconds} s` : `${(seconds / 60).toFixed(0)} min`;
}
