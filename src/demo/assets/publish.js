import { shortCursor } from './dom.js';

/** Longer than a working server needs. */
const ANSWER_MS_MAX = 10_000;
/** The characters of names. The server checks them too. This check reports an error earlier. */
export const NAME = /^[A-Za-z0-9._:@/~=-]+$/;
export const NAME_RULE = 'letters, digits and . _ : @ / ~ = - only';
const COUNT_MAX = 100;

/** The form that publishes. */
export class PublishForm {
  #path;
  #onPublished;
  #form = document.getElementById('publish-form');
  #result = document.getElementById('publish-result');
  /** The last publish without an answer. If the user repeats it, the server recognises it. */
  #unanswered;

  /** @param {string} path @param {(topic: string, ids: string[]) => void} onPublished */
  constructor(path, onPublished) {
    this.#path = path;
    this.#onPublished = onPublished;
    this.#form.addEventListener('submit', (event) => {
      event.preventDefault();
      void this.#submit();
    });
    // An error disappears while the user corrects it. It appears only when the user leaves the
    // field.
    for (const field of this.#form.elements) {
      field.addEventListener('input', () => field.ariaInvalid === 'true' && this.#check());
      field.addEventListener('change', () => this.#check());
    }
  }

  async #submit() {
    const items = this.#check();
    if (!items) {
      this.#form.querySelector('[aria-invalid="true"]').focus();
      return;
    }
    const body = JSON.stringify(items.length === 1 ? items[0] : items);
    const key = this.#unanswered?.body === body ? this.#unanswered.key : randomKey();
    this.#unanswered = { body, key };
    this.#say('sent', 'Publishing…');
    const began = performance.now();
    try {
      const response = await fetch(this.#path, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json', 'Idempotency-Key': key },
        body,
        signal: AbortSignal.timeout(ANSWER_MS_MAX),
      });
      const answer = await response.json();
      if (response.status < 500) this.#unanswered = undefined;
      const tookMs = Math.round(performance.now() - began);
      if (response.ok) {
        this.#onPublished(items[0].topic, answer.ids);
        this.#say('good', published(response.status, answer, tookMs));
      } else this.#say('bad', `${response.status} ${answer.code ?? ''}: ${answer.message ?? ''}`);
    } catch {
      this.#say(
        'bad',
        'No answer. Publish again: the request has the same Idempotency-Key, so it does not arrive twice.',
      );
    }
  }

  /**
   * Shows the error of each field.
   * @returns {object[] | undefined} the items to publish if all fields are valid
   */
  #check() {
    const {
      'publish-topic': topic,
      'publish-type': type,
      'publish-count': count,
      'publish-data': data,
    } = this.#form.elements;
    const parsed = parse(data.value);
    const number = Number(count.value);
    const fine = [
      complain(topic, NAME.test(topic.value) ? '' : `Topic: ${NAME_RULE}`),
      complain(type, NAME.test(type.value) ? '' : `Type: ${NAME_RULE}`),
      complain(
        count,
        Number.isInteger(number) && number >= 1 && number <= COUNT_MAX
          ? ''
          : `How many: a whole number from 1 to ${COUNT_MAX}`,
      ),
      complain(data, parsed.problem ?? ''),
    ].every(Boolean);
    const item = { topic: topic.value, type: type.value, data: parsed.value };
    return fine ? Array.from({ length: number }, () => item) : undefined;
  }

  #say(kind, text) {
    this.#result.dataset.kind = kind;
    this.#result.textContent = text;
  }
}

/** Shows or hides the error of a field. @returns {boolean} true if there is no error */
export function complain(field, message) {
  const error = document.getElementById(`${field.id}-error`);
  error.textContent = message;
  error.hidden = !message;
  field.ariaInvalid = message ? 'true' : 'false';
  return !message;
}

function parse(text) {
  try {
    return { value: JSON.parse(text) };
  } catch (error) {
    return { problem: `Data is not JSON: ${error.message}` };
  }
}

function published(status, { ids, cursor, duplicate }, tookMs) {
  const more = ids.length > 1 ? ` and ${ids.length - 1} more` : '';
  const word = duplicate ? ', a repeat: published before' : '';
  return `${status} in ${tookMs} ms${word} · id ${ids[0]}${more} · cursor ${shortCursor(cursor)}`;
}

/** Does not use `randomUUID`, which browsers offer only on https and localhost. */
function randomKey() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');
}
