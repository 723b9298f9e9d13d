import ts from 'typescript';

/** The code to add to an AppModule. */
export interface AppModuleCode {
  /** Fields of the options of forRoot. */
  readonly fields: readonly string[];
  readonly storeImport: { readonly entry: string; readonly name: string } | undefined;
  /** The path of the example controller, without its extension. */
  readonly controllerFile: string;
}

/** A text to insert at a position. */
interface Insertion {
  readonly at: number;
  readonly text: string;
}

/**
 * The text of a file with AppModule, with NotificationsModule in its imports and the example in its
 * controllers. Everything else in the file is unchanged.
 *
 * @throws Error if the file has no class with the decorator `@Module({ … })`
 */
export function appModuleWith(text: string, { fields, storeImport, controllerFile }: AppModuleCode): string {
  const file = ts.createSourceFile('app.module.ts', text, ts.ScriptTarget.Latest, true);
  const metadata = moduleMetadata(file);
  if (!metadata) throw new Error('app.module.ts has no class with @Module({ … }): import NotificationsModule by hand');
  const imported = importsOf(file);
  // Projects with ES modules have the extension in their imports.
  const extension = imported.some(({ path }) => /^\..*\.js$/.test(path)) ? '.js' : '';
  const lines = [
    `import { NotificationsModule } from 'nest-notifications';`,
    ...(storeImport ? [`import { ${storeImport.name} } from 'nest-notifications/stores/${storeImport.entry}';`] : []),
    `import { NotificationsExampleController } from '${controllerFile}${extension}';`,
  ];
  const after = imported.at(-1)?.end ?? 0;
  const call = `NotificationsModule.forRoot({\n${fields.map((field) => `      ${field},\n`).join('')}    })`;
  const insertions = [
    { at: after, text: `${after === 0 ? '' : '\n'}${lines.join('\n')}${after === 0 ? '\n' : ''}` },
    elementInsertion(metadata, 'imports', call),
    elementInsertion(metadata, 'controllers', 'NotificationsExampleController'),
  ];
  return inserted(text, insertions);
}

/** The object in the decorator of the first module class. */
function moduleMetadata(file: ts.SourceFile): ts.ObjectLiteralExpression | undefined {
  for (const statement of file.statements) {
    if (!ts.isClassDeclaration(statement)) continue;
    for (const { expression } of ts.getDecorators(statement) ?? []) {
      if (!ts.isCallExpression(expression) || expression.expression.getText(file) !== 'Module') continue;
      const [argument] = expression.arguments;
      if (argument && ts.isObjectLiteralExpression(argument)) return argument;
    }
  }
  return undefined;
}

function importsOf(file: ts.SourceFile): readonly { readonly path: string; readonly end: number }[] {
  return file.statements.flatMap((statement) =>
    ts.isImportDeclaration(statement) && ts.isStringLiteral(statement.moduleSpecifier)
      ? [{ path: statement.moduleSpecifier.text, end: statement.end }]
      : [],
  );
}

/** Adds an element to an array of the metadata, or adds the array. */
function elementInsertion(metadata: ts.ObjectLiteralExpression, name: string, element: string): Insertion {
  const property = metadata.properties.find((one) => one.name?.getText() === name);
  if (!property) return { at: metadata.getStart() + 1, text: `\n  ${name}: [${element}],` };
  if (ts.isPropertyAssignment(property) && ts.isArrayLiteralExpression(property.initializer)) {
    const { elements } = property.initializer;
    const last = elements.at(-1);
    if (!last) return { at: property.initializer.getStart() + 1, text: element };
    return { at: last.end, text: `, ${element}` };
  }
  throw new Error(`${name} of AppModule is not an array: import NotificationsModule by hand`);
}

/** Inserts from the end, so that earlier positions stay valid. */
function inserted(text: string, insertions: readonly Insertion[]): string {
  return [...insertions]
    .sort((a, b) => b.at - a.at)
    .reduce((result, { at, text: added }) => result.slice(0, at) + added + result.slice(at), text);
}
