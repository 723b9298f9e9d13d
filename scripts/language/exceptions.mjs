/**
 * Sentences that the check reports although they are correct, each with a reason. `text` is a part
 * of the sentence; if it is empty, the whole file is an exception.
 *
 * @type {{ file: string, text: string, why: string }[]}
 */
export const exceptions = [
  { file: 'test/language.test.ts', text: '', why: 'its examples break the rules on purpose' },
  { file: 'src/client/inbox-element/styles.ts', text: ':host {', why: 'it is a style sheet' },
];
