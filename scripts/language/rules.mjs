/** The rules of language. Each rule takes a sentence and returns its finding, or undefined. */

const SENTENCE_WORDS_MAX = 30;

const NOT_SUBJECTS = 'who|whom|whose|whoever|whomever|what|whatever|where|wherever|which|whichever';
/** After these words a clause follows, and its first word is its subject. */
const CONJUNCTIONS = 'because|since|while|if|when|until|unless|although|though|than|so that|that|or if|and if';

const FREE_RELATIVES = [
  new RegExp(String.raw`^(?:(?:And|But|So|Or|Then|Only|Not|For|Of|To|By|With) )?(?:${NOT_SUBJECTS})\b`, 'i'),
  new RegExp(String.raw`; (?:and |but |so |or )?(?:who|whoever|what|whatever|where|wherever)\b`),
  new RegExp(String.raw`: (?:who|whoever|what|whatever) \w+(?<!wrong)\b`),
  new RegExp(String.raw`\b(?:${CONJUNCTIONS}),? (?:what|who|whoever)\b`),
  /\b(?:of|to|for|by|from|with|behind|after|before) (?:who|whoever)\b/,
  /^(?:One|He|She|Those|All|Any|Anything|Everything) (?:that|who|which)\b/,
];

const BE = 'is|are|was|were';
const AUXILIARY = `${BE}|does|do|did|can|could|may|might|must|has|have|had|will|would|should`;
const INVERSIONS = [
  new RegExp(
    String.raw`^(?:Not|Left|Kept|Given|Missing|Gone|Free|Meant|Lost|Sent|\w+(?<!e)ed) (?:\w+ed |out |back )?(?:${BE})\b`,
  ),
  new RegExp(String.raw`^(?:Nor|Neither|Never|Only then|So|Here|Such|Thus|Seldom|Rarely|Hardly) (?:${AUXILIARY})\b`),
  /^(?:With|On|Behind|From|To|Under|Beside|Above|Below|Before|Between|Among|Into|Out of|Along|Back) (?:\w+ ){0,4}(?:comes?|goes|lies|sits|follows?|belongs?|stands?)\b(?! from)/,
  /(?:^|, )(?:should|were|had) (?:it|they|he|she|one|this|that|there) /i,
  /, (?:nor|neither) (?:is|are|does|do|did|can|may|must|has|have|will)\b/,
];

/** A word that STYLE.md replaces, and what to write. */
const WORDS = [
  [/\b(?:told|tells?|telling|untold)\b/i, 'deliver, report, notify, say, distinguish'],
  [/\bnews\b/i, 'new notifications'],
  [/\b(?:stands?|standing|stood)\b(?!-)/i, 'is, remains; position'],
  [/\b(?:hands?|handed|handing) (?:\w+ ){0,4}(?:over|out|back|on|down)\b|\bhand-?over\b/i, 'deliver, pass, return'],
  [
    /\b(?:the whole way|all the way|on the way|on (?:its|their) way|half ?way|in the way)\b/i,
    'end to end; during, meanwhile; name it',
  ],
  [
    /\b(?:somebody|nobody|anybody|everybody|someone|anyone|everyone|no one)\b/i,
    'name the subject: the caller, the client',
  ],
  [/\b(?:whoever|whomever|whosoever|wherever|whichever|whatever)\b/i, 'name the subject'],
  [/\b(?:comes?|came|coming) back\b/i, 'reconnect, return, retry'],
  [/\b(?:goes|go|went|going|gone) on\b/i, 'continue'],
  [/\b(?:carry|carries|carried) on\b/i, 'continue'],
  [/\b(?:runs?|ran) on\b(?! (?:a|an|the|its|their|one|every|each|all|any|both|Node|node|[A-Z`]))/i, 'continues to run'],
  [/\b(?:asks?|asked|asking) (?:\w+ ){0,2}again\b/i, 'retry, poll again'],
  [/\b(?:is|are|was|were|be|been|being) asked\b/i, 'call, query, check'],
  [/\b(?:lets?|letting) (?:\w+ ){0,2}in\b(?! (?:the|a|its|one|order)\b)/i, 'authorize, admit'],
  [/\b(?:looked|looks|looking) (?:at|after|into)\b/i, 'check, read'],
  [/\bsees? to (?:it|this|that|them)\b/i, 'ensure'],
  [/\b(?:gives?|given|gave) back\b/i, 'return, restore'],
  [/\bthat which\b/i, 'name the thing'],
  [/\bworthless\b/i, 'invalid'],
  [/\ba hand in\b/i, 'take part in'],
  [/\bstrangers?\b/i, 'another, an outside'],
  [
    /\b(?:anew|ought|lest|whilst|amongst|upon|thereof|therein|thereby|whereby|wherein|whereupon|hitherto|henceforth|albeit|nought|naught|hence)\b/i,
    'use the plain word',
  ],
  [/\bfor ever\b/i, 'forever'],
  [/\b(?:what comes|who comes|those who come)\b/i, 'name the subject'],
  [/\bto be had\b/i, 'is available'],
  [/\bputs? up with\b/i, 'accept'],
  [/\b(?:of|for) (?:its|their) own accord\b/i, 'by itself'],
  [/\bnot (?:a|one) \w+ more\b/i, 'no more than'],
  [/\b(?:that|which|it|whose \w+) (?:is|are|was|were) none\b|\b(?:is|are) nowhere\b/i, 'is not a …, is missing'],
  [/\bhold(?:s|ing)? against\b|\bheld against\b/i, 'compare with, check against'],
];

/** The check reports `place` for a position in the log, but not these everyday phrases. */
const PLACE = /\bplaces?\b/gi;
const PLAIN_PLACE =
  /\b(?:in|takes?|took|taken|taking|into|one|two|single|other|same|first|all|several|private|right|decimal) places?$/i;

/** @typedef {import('./sentences.mjs').Sentence} Sentence */

/** @param {Sentence} sentence */
export function breaches(sentence) {
  const { prose, kind } = sentence;
  const isQuestion = /\?["'’”)]*$/.test(prose);
  const found = [];
  const words = prose.split(/\s+/).filter((word) => /[\p{L}\d`]/u.test(word)).length;
  if (words > SENTENCE_WORDS_MAX) found.push(['long', `${words} words, the limit is ${SENTENCE_WORDS_MAX}`]);
  if (!isQuestion && kind !== 'title') {
    if (FREE_RELATIVES.some((pattern) => pattern.test(prose))) found.push(['free-relative', 'name the subject']);
    if (kind === 'name' && /^that /.test(prose)) found.push(['free-relative', 'a test name is a whole statement']);
    if (INVERSIONS.some((pattern) => pattern.test(prose))) found.push(['inversion', 'put the subject first']);
  }
  for (const [pattern, better] of WORDS) {
    const match = pattern.exec(prose);
    if (match) found.push(['word', `"${match[0]}": ${better}`]);
  }
  for (const match of prose.matchAll(PLACE)) {
    const phrase = prose.slice(0, match.index + match[0].length);
    if (!PLAIN_PLACE.test(phrase)) found.push(['word', `"${match[0]}": position`]);
  }
  return found.map(([rule, hint]) => ({ rule, hint }));
}
