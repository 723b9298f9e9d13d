/** Reads an AsyncAPI document from stdin, and prints the errors that the parser finds as JSON. */
import { text } from 'node:stream/consumers';
import { Parser } from '@asyncapi/parser';

/** The parser's name for the severity "error". */
const ERROR = 0;

const { diagnostics } = await new Parser().parse(await text(process.stdin));
const errors = diagnostics.filter(({ severity }) => severity === ERROR);
console.log(JSON.stringify(errors.map(({ path, message }) => `${path.join('.')}: ${message}`)));
