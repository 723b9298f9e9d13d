import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, posix, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';
import ts from 'typescript';
import { allows, importRules } from '../scripts/import-rules.mjs';

/** A file that needs more is about more than one thing. */
const FILE_LINES_MAX = 350;

/** Names of types that an application fills in. */
const OPTION_TYPES = /(?:Options|Extras|Rules|Provider)$|^NewNotification$|^FeedRequest$/;

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const sources = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
  .map((path) => path.split(sep).join('/'))
  .filter((path) => path.endsWith('.ts'))
  .map((path) => ({ path, text: readFileSync(join(root, 'src', path), 'utf8') }));

describe('layout of src', () => {
  it('has a rule for every folder', () => {
    const inFolders = sources.filter(({ path }) => path.includes('/'));
    expect(inFolders.filter(({ path }) => !ruleOf(path)).map(({ path }) => path)).toEqual([]);
    expect(inFolders.length).toBeGreaterThan(0);
  });

  it('keeps the import rules', () => {
    expect(sources.flatMap(({ path, text }) => importViolations(path, text))).toEqual([]);
  });

  it('has no cycle of imports at run time', () => {
    const imports = new Map(sources.map(({ path, text }) => [path, runtimeImports(path, text)]));
    expect(cyclesOf(imports)).toEqual([]);
  });

  it('names every export of its entries', () => {
    const entries = sources.filter(({ path }) => posix.basename(path) === 'index.ts');
    expect(entries.flatMap(({ path, text }) => unnamedExports(path, text))).toEqual([]);
  });

  it('accepts undefined for every option, for applications with exactOptionalPropertyTypes', () => {
    expect(sources.flatMap(({ path, text }) => exactOptions(path, text))).toEqual([]);
  });

  it(`has no file of more than ${FILE_LINES_MAX} lines`, () => {
    expect(sources.filter(({ text }) => lineCount(text) > FILE_LINES_MAX).map(({ path }) => path)).toEqual([]);
  });
});

describe('the checks themselves', () => {
  it('find an option that does not accept undefined', () => {
    const text =
      'export interface AOptions { a?: number; b?: { c?: string } | undefined; d: 1 } interface BOptions { e?: 1 }';
    expect(exactOptions('nest/a.ts', text)).toEqual(['nest/a.ts: a', 'nest/a.ts: c']);
  });

  it.each([
    ['core/feed.ts', `import { Injectable } from '@nestjs/common';`],
    ['core/feed.ts', `import type { Server } from 'node:http';`],
    ['core/feed.ts', `import { encode } from '../wire/page.js';`],
    ['core/feed.ts', `export { encode } from '../wire/page.js';`],
    ['core/feed.ts', `export * from '../wire/page.js';`],
    ['core/feed.ts', `import '../index.js';`],
    ['core/deep/feed.ts', `import { encode } from '../../wire/page.js';`],
    ['core/feed.ts', `const wire = await import('../wire/page.js');`],
    ['core/feed.ts', `type Encode = import('../wire/page.js').Encode;`],
    ['core/feed.ts', `const fs = require('node:fs');`],
    ['core/feed.ts', `import { map } from 'rxjs-extra';`],
    ['wire/page.ts', `import { createHash } from 'node:crypto';`],
    ['wire/page.ts', `import type { Response } from 'express';`],
    ['nest/module.ts', `import { ManualClock } from '../testing/manual-clock.js';`],
    ['stores/memory/store.ts', `import { createClient } from 'redis';`],
    ['stores/memory/store.ts', `import { connect } from '../other/connect.js';`],
    ['inbox/flag.ts', `import { Cursors } from '../wire/cursor.js';`],
    ['inbox/flag.ts', `import { Module } from '@nestjs/common';`],
    ['client/client.ts', `import { Feed } from '../core/feed.js';`],
    ['client/client.ts', `import { type Page, Feed } from '../core/feed.js';`],
    ['client/client.ts', `import { setTimeout } from 'node:timers';`],
    ['testing/contract.ts', `import { MemoryStore } from '../stores/memory/store.js';`],
    ['index.ts', `import './main.js';`],
    ['index.ts', `export { ManualClock } from './testing/manual-clock.js';`],
  ])('refuse, in %s: %s', (path, text) => {
    expect(importViolations(path, text)).toHaveLength(1);
  });

  it.each([
    ['core/feed.ts', `import { Observable } from 'rxjs'; import { map } from 'rxjs/operators';`],
    ['core/deep/feed.ts', `import { Waiters } from '../waiters.js'; import './index.js';`],
    ['wire/cursor.ts', `import { createHash } from 'node:crypto'; import type { Page } from '../core/page.js';`],
    ['nest/module.ts', `import { Module } from '@nestjs/common'; import { Feed } from '../core/feed.js';`],
    ['inbox/nest/module.ts', `import { Module } from '@nestjs/common'; import { Feed } from '../../core/feed.js';`],
    ['inbox/nest/module.ts', `import { Cursors } from '../../wire/cursor.js';`],
    ['client/client.ts', `import type { Page } from '../core/page.js'; import { type Gap } from '../core/page.js';`],
    ['client/client.ts', `type Page = import('../core/page.js').Page; export type { Gap } from '../core/page.js';`],
    ['testing/contract.ts', `import assert from 'node:assert/strict';`],
    ['index.ts', `export { NotificationsModule } from './nest/module.js';`],
    ['main.ts', `import { NestFactory } from '@nestjs/core'; import { NotificationsModule } from './index.js';`],
  ])('accept, in %s: %s', (path, text) => {
    expect(importViolations(path, text)).toEqual([]);
  });

  it('report the file, the import and the rule', () => {
    expect(importViolations('core/feed.ts', `\nimport { Module } from '@nestjs/common';`)).toEqual([
      expect.stringMatching(
        /^src\/core\/feed\.ts:2 imports @nestjs\/common, but core imports nothing but rxjs, so that /,
      ),
    ]);
  });

  it.each([
    [{ 'a.ts': ['b.ts'], 'b.ts': ['c.ts'], 'c.ts': ['b.ts'] }, ['b.ts → c.ts → b.ts']],
    [{ 'a.ts': ['a.ts'] }, ['a.ts → a.ts']],
    [{ 'a.ts': ['b.ts', 'c.ts'], 'b.ts': ['c.ts'], 'c.ts': [] }, []],
  ])('find the cycles of %j', (imports, cycles) => {
    expect(cyclesOf(new Map(Object.entries(imports)))).toEqual(cycles);
  });

  it('ignore imports of types for cycles', () => {
    const text = `import type { A } from './a.js'; import { b } from './b.js'; import 'rxjs';`;
    expect(runtimeImports('core/c.ts', text)).toEqual(['core/b.ts']);
  });

  it('see an export without names', () => {
    expect(unnamedExports('index.ts', `export * from './nest/module.js';`)).toHaveLength(1);
    expect(unnamedExports('index.ts', `export { A } from './a.js';`)).toEqual([]);
  });
});

interface Import {
  specifier: string;
  typeOnly: boolean;
  line: number;
}

type ImportRule = (typeof importRules)[number];

function ruleOf(path: string): ImportRule | undefined {
  return importRules.find((rule) => path.startsWith(`${rule.folder}/`));
}

function importViolations(path: string, text: string): string[] {
  return importsOf(path, text).flatMap((found) => {
    const why = path.includes('/') ? folderRuleBroken(path, found) : entryRuleBroken(path, found);
    return why === undefined ? [] : [`src/${path}:${found.line} imports ${found.specifier}, but ${why}.`];
  });
}

/** The reason why a file in one of the folders may not import this, if so. */
function folderRuleBroken(path: string, { specifier, typeOnly }: Import): string | undefined {
  const rule = ruleOf(path);
  if (!rule) return 'its folder has no rule in scripts/import-rules.mjs';
  const also = (more: Readonly<Record<string, string[]>> = {}) =>
    Object.entries(more).flatMap(([start, names]) => (path.startsWith(start) ? names : []));
  if (!specifier.startsWith('.')) {
    return allows([...rule.packages, ...also(rule.also)], specifier) ? undefined : rule.why;
  }
  const target = posix.join(posix.dirname(path), specifier);
  const folder = target.includes('/') ? target.slice(0, target.indexOf('/')) : '';
  if (folder === rule.folder) return otherEngine(path, target) ? 'a store does not know another engine’s' : undefined;
  if ([...rule.folders, ...also(rule.alsoFolders)].includes(folder)) return undefined;
  return typeOnly && rule.typesOf?.includes(folder) ? undefined : rule.why;
}

function otherEngine(path: string, target: string): boolean {
  // Code that several drivers use belongs to none of them.
  const engine = (file: string) => /^stores\/(?!shared\/)([^/]+)\//.exec(file)?.[1];
  return engine(path) !== undefined && engine(target) !== undefined && engine(path) !== engine(target);
}

/** index.ts is the server's entry; main.ts is a program on top of it and may import everything. */
function entryRuleBroken(path: string, { specifier }: Import): string | undefined {
  if (path === 'main.ts' || !/^\.\/(main|client|testing)\b/.test(specifier)) return undefined;
  return 'the server entry must not load the program, and client and testing are entries of their own';
}

/**
 * Every form in which a file can name another: import, export from, import(), import type, require.
 */
function importsOf(path: string, text: string): Import[] {
  const file = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
  const found: Import[] = [];
  const add = (node: ts.Node | undefined, typeOnly: boolean) => {
    if (!node || !ts.isStringLiteralLike(node)) return;
    found.push({ specifier: node.text, typeOnly, line: file.getLineAndCharacterOfPosition(node.getStart()).line + 1 });
  };
  const visit = (node: ts.Node) => {
    if (ts.isImportDeclaration(node)) add(node.moduleSpecifier, importsTypesOnly(node.importClause));
    else if (ts.isExportDeclaration(node)) add(node.moduleSpecifier, node.isTypeOnly);
    else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) add(node.argument.literal, true);
    else if (ts.isExternalModuleReference(node)) add(node.expression, false);
    else if (ts.isCallExpression(node) && loadsModule(node.expression)) add(node.arguments[0], false);
    ts.forEachChild(node, visit);
  };
  visit(file);
  return found;
}

function importsTypesOnly(clause: ts.ImportClause | undefined): boolean {
  if (clause?.phaseModifier === ts.SyntaxKind.TypeKeyword) return true;
  const named = clause?.namedBindings;
  return !clause?.name && !!named && ts.isNamedImports(named) && named.elements.every((element) => element.isTypeOnly);
}

function loadsModule(callee: ts.Expression): boolean {
  return callee.kind === ts.SyntaxKind.ImportKeyword || (ts.isIdentifier(callee) && callee.text === 'require');
}

/** The files of src that a file loads. Imports of types do not exist at run time. */
function runtimeImports(path: string, text: string): string[] {
  return importsOf(path, text)
    .filter(({ specifier, typeOnly }) => specifier.startsWith('.') && !typeOnly)
    .map(({ specifier }) => posix.join(posix.dirname(path), specifier).replace(/\.js$/, '.ts'));
}

/** A cycle per file that closes one, as a path. */
function cyclesOf(imports: ReadonlyMap<string, readonly string[]>): string[] {
  const cycles: string[] = [];
  const done = new Set<string>();
  const visit = (file: string, path: readonly string[]): void => {
    const start = path.indexOf(file);
    if (start >= 0) cycles.push([...path.slice(start), file].join(' → '));
    if (start >= 0 || done.has(file)) return;
    for (const next of imports.get(file) ?? []) visit(next, [...path, file]);
    done.add(file);
  };
  for (const file of imports.keys()) visit(file, []);
  return cycles;
}

function unnamedExports(path: string, text: string): string[] {
  const file = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
  return file.statements
    .filter((statement) => ts.isExportDeclaration(statement) && !statement.exportClause)
    .map((statement) => `src/${path}: ${statement.getText()}: name what is public, or it grows unnoticed.`);
}

/** Optional properties of exported option types that do not accept undefined. */
function exactOptions(path: string, text: string): string[] {
  const found: string[] = [];
  const visit = (node: ts.Node, isOption: boolean): void => {
    if (ts.isInterfaceDeclaration(node) || ts.isTypeAliasDeclaration(node)) {
      const isExported = node.modifiers?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword) ?? false;
      isOption = isExported && OPTION_TYPES.test(node.name.text);
    }
    if (isOption && ts.isPropertySignature(node) && node.questionToken && node.type) {
      if (!/\b(undefined|unknown)$/.test(node.type.getText())) found.push(`${path}: ${node.name.getText()}`);
    }
    ts.forEachChild(node, (child) => {
      visit(child, isOption);
    });
  };
  visit(ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true), false);
  return found;
}

function lineCount(text: string): number {
  return text.split('\n').length - (text.endsWith('\n') ? 1 : 0);
}
