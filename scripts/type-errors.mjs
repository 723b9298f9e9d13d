import ts from 'typescript';

/** The errors that an earlier file of the same program has reported. */
const reported = new WeakSet();

/**
 * An ESLint rule that reports the compiler's errors. The typed rules need the program and its types
 * anyway, so a separate run of the compiler would check all types a second time.
 *
 * @type {import('eslint').Rule.RuleModule}
 */
export const typeErrors = {
  meta: { type: 'problem', schema: [] },
  create: (context) => ({
    Program(node) {
      const { program, esTreeNodeToTSNodeMap } = context.sourceCode.parserServices;
      for (const error of errorsOf(program, esTreeNodeToTSNodeMap.get(node))) {
        if (reported.has(error)) continue;
        reported.add(error);
        const message = `${ts.flattenDiagnosticMessageText(error.messageText, '\n')} (TS${error.code})`;
        context.report({ loc: context.sourceCode.getLocFromIndex(error.file ? error.start : 0), message });
      }
    },
  }),
};

/** Errors of one file, and those of the whole program. */
function errorsOf(program, file) {
  return [
    ...program.getConfigFileParsingDiagnostics(),
    ...program.getOptionsDiagnostics(),
    ...program.getGlobalDiagnostics(),
    ...program.getSyntacticDiagnostics(file),
    ...program.getSemanticDiagnostics(file),
  ];
}
