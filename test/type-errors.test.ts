import { expect, test } from '@jest/globals';
import ts from 'typescript';
import { typeErrors } from '../scripts/type-errors.mjs';

/** Runs the rule on files of one program, and returns its reports as `line:column message`. */
function reportsOn(files: Readonly<Record<string, string>>, options: ts.CompilerOptions = {}): string[] {
  const host = ts.createCompilerHost(options);
  const { getSourceFile } = host;
  const sources = new Map(
    Object.entries(files).map(([name, text]) => [name, ts.createSourceFile(name, text, ts.ScriptTarget.ES2022)]),
  );
  host.getSourceFile = (name, ...rest) => sources.get(name) ?? getSourceFile(name, ...rest);
  const program = ts.createProgram(Object.keys(files), { noLib: true, types: [], noEmit: true, ...options }, host);
  const reports: string[] = [];
  for (const source of sources.values()) {
    const sourceCode = {
      parserServices: { program, esTreeNodeToTSNodeMap: new Map([[source, source]]) },
      getLocFromIndex: (index: number) => source.getLineAndCharacterOfPosition(index),
    };
    const report = ({ loc, message }: { loc: ts.LineAndCharacter; message: string }): void => {
      reports.push(`${source.fileName} ${loc.line}:${loc.character} ${message}`);
    };
    typeErrors.create({ sourceCode, report } as never).Program!(source as never);
  }
  return reports;
}

/** The types that the compiler needs without its library. */
const LIB =
  'interface Array<T> {} interface Boolean {} interface CallableFunction {} interface Function {} interface IArguments {} interface NewableFunction {} interface Number {} interface Object {} interface RegExp {} interface String {}';

test('reports the errors of each file at their positions', () => {
  const reports = reportsOn({
    'lib.ts': LIB,
    'a.ts': 'const ok = 1;\nconst wrong: number = "";',
    'b.ts': 'const = 1;',
  });
  expect(reports).toEqual([
    "a.ts 1:6 Type 'string' is not assignable to type 'number'. (TS2322)",
    'b.ts 0:6 Variable declaration expected. (TS1134)',
    expect.stringContaining('b.ts 0:8 '),
  ]);
});

test('reports an error of the whole program once', () => {
  const reports = reportsOn({ 'a.ts': '', 'b.ts': '' });
  expect(reports).toContain("a.ts 0:0 Cannot find global type 'Array'. (TS2318)");
  expect(reports.filter((text) => text.includes("'Array'"))).toHaveLength(1);
});

test('reports wrong options', () => {
  expect(reportsOn({ 'lib.ts': LIB }, { noLib: true, lib: ['lib.es5.d.ts'] })).toEqual([
    "lib.ts 0:0 Option 'lib' cannot be specified with option 'noLib'. (TS5053)",
  ]);
});
