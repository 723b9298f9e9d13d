/** Longer names are cut, so that one name cannot fill the page. */
const NAME_CHARACTERS_MAX = 160;

/**
 * Controls, and the characters that hide text or change its direction. A name with them could look
 * like another name.
 */
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;

/** Makes an untrusted name safe to show: it shortens the name and escapes invisible characters. */
export function readable(name: string): string {
  // A character can have two code units, so the cut may leave half of one. It is replaced below.
  const text = name
    .slice(0, NAME_CHARACTERS_MAX)
    .replace(INVISIBLE, (character) => `[U+${hex(character.codePointAt(0) ?? 0)}]`);
  return name.length > NAME_CHARACTERS_MAX ? `${text}… (${name.length} characters)` : text;
}

function hex(code: number): string {
  return code.toString(16).toUpperCase().padStart(4, '0');
}
