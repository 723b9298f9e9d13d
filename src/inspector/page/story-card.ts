import { element, setAttributes, setText, show } from '../../client/inbox-element/dom.js';
import type { NotificationStory } from '../../nest/explaining/notification-story.js';
import { answerTextOf } from './connection-text.js';
import { dateAndTime } from './formats.js';
import { failureOf, type RequestFailure } from './request.js';
import { type Step, type StoryText, storyTextOf } from './story-text.js';

/** The question of the form. Empty texts are left out. */
export interface StoryQuestion {
  readonly id: string;
  readonly subscriber: string;
  readonly topic: string;
}

export type AskStory = (question: StoryQuestion, signal: AbortSignal) => Promise<NotificationStory>;

const FIELDS = [
  { name: 'id', label: 'Id of the notification', hint: '' },
  { name: 'subscriber', label: 'Subscriber', hint: 'optional' },
  { name: 'topic', label: 'Topic', hint: 'optional' },
] as const satisfies readonly { readonly name: keyof StoryQuestion; readonly label: string; readonly hint: string }[];

/** A form that asks why a reader has, or has not, received a notification. */
export class StoryCard {
  readonly root: HTMLElement;
  readonly #ask: AskStory;
  readonly #inputs: Readonly<Record<keyof StoryQuestion, HTMLInputElement>>;
  readonly #error = element('p', { class: 'error', id: 'story-error', role: 'alert' });
  readonly #answer = element('div', { class: 'answer' });
  #request: AbortController | undefined;

  constructor(ask: AskStory) {
    this.#ask = ask;
    this.#inputs = { id: createInput('id'), subscriber: createInput('subscriber'), topic: createInput('topic') };
    setAttributes(this.#inputs.id, { required: '', 'aria-describedby': 'story-error' });
    const head = element(
      'header',
      {},
      element('h2', { id: 'story-title' }, 'Explain a notification'),
      element('span', { class: 'muted' }, 'why did a reader receive it, or not?'),
    );
    const live = element('div', { role: 'status' }, this.#answer);
    this.root = element(
      'section',
      { class: 'card story', 'aria-labelledby': 'story-title' },
      head,
      this.#createForm(),
      live,
    );
    show(this.#error, false);
    this.#answer.append(
      element(
        'p',
        { class: 'muted' },
        'Enter an id. With a subscriber, the answer includes access, deliveries and the inbox.',
      ),
    );
  }

  focus(): void {
    this.#inputs.id.focus();
  }

  /** Fills in the form and asks. */
  ask(question: StoryQuestion): void {
    for (const { name } of FIELDS) this.#inputs[name].value = question[name];
    void this.#submit();
  }

  /** Removes an answer that belongs to another feed. */
  clear(): void {
    this.#stop();
    this.#answer.replaceChildren();
    this.#showError('');
  }

  #createForm(): HTMLElement {
    const fields = FIELDS.map(({ name, label, hint }) => {
      const text = element('label', { for: `story-${name}` }, label, ' ', element('small', {}, hint));
      return element('div', {}, text, this.#inputs[name]);
    });
    const submit = element('button', { class: 'primary' }, 'Explain');
    const form = element('form', { novalidate: '' }, ...fields, submit, this.#error);
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      void this.#submit();
    });
    return form;
  }

  async #submit(): Promise<void> {
    const { id, subscriber, topic } = this.#inputs;
    const question = { id: id.value.trim(), subscriber: subscriber.value.trim(), topic: topic.value.trim() };
    this.#stop();
    if (question.id === '') {
      this.#showError('Enter the id of a notification.', 'id');
      return;
    }
    this.#request = new AbortController();
    const { signal } = this.#request;
    setAttributes(this.#answer, { 'aria-busy': 'true' });
    try {
      const story = await this.#ask(question, signal);
      if (signal.aborted) return;
      this.#showError('');
      this.#showStory(storyTextOf(story));
    } catch (error) {
      if (signal.aborted) return;
      this.#showFailure(failureOf(error));
    } finally {
      if (!signal.aborted) this.#stop();
    }
  }

  #stop(): void {
    this.#request?.abort();
    // A screen reader may ignore an answer that is busy.
    setAttributes(this.#answer, { 'aria-busy': undefined });
  }

  #showFailure(failure: RequestFailure): void {
    this.#answer.replaceChildren();
    this.#showError(answerTextOf(failure), FIELDS.find(({ name }) => name === failure.field)?.name);
  }

  #showError(text: string, field?: keyof StoryQuestion): void {
    show(this.#error, text !== '');
    setText(this.#error, text);
    for (const [name, input] of Object.entries(this.#inputs)) {
      setAttributes(input, { 'aria-invalid': name === field ? 'true' : undefined });
    }
    if (field) this.#inputs[field].focus();
  }

  #showStory({ verdict, steps, facts }: StoryText): void {
    this.#answer.replaceChildren(
      element('p', { class: 'verdict', 'data-mood': verdict.mood }, verdict.text),
      element('ol', { class: 'steps' }, ...steps.map(stepOf)),
      element(
        'dl',
        { class: 'story-facts' },
        ...facts.map(([name, value]) => element('div', {}, element('dt', {}, name), element('dd', {}, value))),
      ),
    );
  }
}

function createInput(name: keyof StoryQuestion): HTMLInputElement {
  return element('input', { name, id: `story-${name}`, autocomplete: 'off', spellcheck: 'false' });
}

function stepOf({ mood, text, timeMs }: Step): HTMLElement {
  const item = element('li', { 'data-mood': mood }, element('span', {}, text));
  if (timeMs === undefined || Number.isNaN(timeMs)) return item;
  const time = element('time', { datetime: new Date(timeMs).toISOString() }, dateAndTime(timeMs));
  item.append(time);
  return item;
}
