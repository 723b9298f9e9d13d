/**
 * Findings that are right as they are, each with its reason. `text` is a part of the sentence.
 *
 * @type {{ file: string, text: string, why: string }[]}
 */
export const exceptions = [];
