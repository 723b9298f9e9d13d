/** Lets Jest compile the package, because it is an ES module. */
const JEST_PATTERN = '/node_modules/(?!nest-notifications/)';
const FIRST_NEST_WITH_ES_MODULES = 12;

interface Manifest {
  readonly type?: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly jest?: Readonly<Record<string, unknown>>;
}

/** The text of a package.json with further dependencies, and with the setting of Jest. */
export function packageWith(text: string, packages: Readonly<Record<string, string>>): string {
  const manifest = JSON.parse(text) as Manifest;
  const dependencies = { ...packages, ...manifest.dependencies };
  const sorted = Object.fromEntries(Object.entries(dependencies).sort(([a], [b]) => (a < b ? -1 : 1)));
  const jest = needsJestSetting(manifest)
    ? { jest: { ...manifest.jest, transformIgnorePatterns: [JEST_PATTERN] } }
    : {};
  return `${JSON.stringify({ ...manifest, dependencies: sorted, ...jest }, undefined, 2)}\n`;
}

/** In projects of Nest 11, Jest compiles tests to CommonJS, and cannot load ES modules. */
function needsJestSetting({ jest, dependencies }: Manifest): boolean {
  const [, major = ''] = /(\d+)/.exec(dependencies?.['@nestjs/core'] ?? '') ?? [];
  return jest !== undefined && Number(major) < FIRST_NEST_WITH_ES_MODULES && jest.transformIgnorePatterns === undefined;
}
