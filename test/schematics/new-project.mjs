/**
 * Prints the files that `nest new` writes and `nest add` reads, as JSON. A program of its own,
 * because Jest cannot load the schematics on Node 20.
 *
 *   node new-project.mjs cjs|esm
 */
import { createRequire } from 'node:module';
import { SchematicTestRunner } from '@angular-devkit/schematics/testing/index.js';

const collection = createRequire(import.meta.url).resolve('@nestjs/schematics/package.json');
const runner = new SchematicTestRunner(
  '@nestjs/schematics',
  collection.replace('package.json', 'dist/collection.json'),
);
const options = { name: 'app', directory: '.', type: process.argv[2] };
const tree = await runner.runSchematic('application', options);
const files = ['package.json', 'src/app.module.ts'].map((path) => [path, tree.readText(path)]);
console.log(JSON.stringify(Object.fromEntries(files)));
