import { Column } from './column.js';
import { EventStream } from './event-stream.js';
import { Ledger } from './ledger.js';
import { LongPoll } from './long-poll.js';
import { complain, NAME, NAME_RULE, PublishForm } from './publish.js';

const PATH = '/notifications';
const TOPICS_MAX = 50;
const TICK_MS = 200;
/** One column is always a moment behind the other; only what lasts is worth saying. */
const BEHIND_AFTER_MS = 300;

const POLL = 'Long poll';
const STREAM = 'EventSource';

const template = document.getElementById('column');
const columns = {
  [POLL]: new Column({
    name: POLL,
    kind: 'fetch, one answer for each request',
    openWord: 'holding',
    template,
    onCable: () => toggleCable(POLL),
  }),
  [STREAM]: new Column({
    name: STREAM,
    kind: 'server-sent events, one answer without end',
    openWord: 'live',
    template,
    onCable: () => toggleCable(STREAM),
  }),
};
const pulled = new Set();
/** What the present topics need: two clients and what they have seen. */
let session = { clients: {}, ledger: new Ledger(POLL, STREAM) };

function follow(topics) {
  for (const client of Object.values(session.clients)) client.disconnect();
  const ledger = new Ledger(POLL, STREAM);
  const clients = {};
  session = { clients, ledger };
  pulled.clear();
  for (const column of Object.values(columns)) {
    column.reset();
    column.cable(false);
    column.state('connecting');
  }
  const poll = listener(session, POLL);
  clients[POLL] = new LongPoll(
    { path: PATH, topics },
    {
      ...poll,
      onCursor: (cursor) => {
        poll.onCursor(cursor);
        // Both begin at one place, so that they owe the same: the first answer says where, in a cursor good for either.
        if (clients[STREAM] || session.clients !== clients) return;
        columns[STREAM].cursor(cursor);
        clients[STREAM] = new EventStream({ path: PATH, topics, cursor }, listener(session, STREAM));
        if (!pulled.has(STREAM)) clients[STREAM].connect();
      },
    },
  );
  clients[POLL].connect();
  showVerdict();
}

/** What a client has to say goes to its column, unless other topics are followed by now. */
function listener(own, name) {
  const column = columns[name];
  const whilePresent =
    (tell) =>
    (...args) => {
      if (own === session) tell(...args);
    };
  return {
    onState: whilePresent((state, detail) => {
      const words = column.state(state, detail);
      if (state !== 'connecting') announce(`${name}: ${words}`);
    }),
    onNotification: whilePresent((notification) => {
      column.notification(notification);
      own.ledger.arrived(name, notification.id);
      showVerdict();
    }),
    onGap: whilePresent((gap) => {
      column.gap(gap);
      own.ledger.gap(name);
      announce(`${name}: gap, ${gap.reason}`);
    }),
    onCursor: whilePresent((cursor) => column.cursor(cursor)),
    onRequest: whilePresent((request) => column.request(request)),
  };
}

function toggleCable(name) {
  const pull = !pulled.has(name);
  if (pull) pulled.add(name);
  else pulled.delete(name);
  columns[name].cable(pull);
  const client = session.clients[name];
  if (pull) client?.disconnect();
  else client?.connect();
  // Before the first answer there is no client yet.
  if (pull) columns[name].state('offline', 'The cable is pulled.');
}

const verdictPanel = document.getElementById('verdict');
let verdictTimer;

function showVerdict() {
  clearTimeout(verdictTimer);
  const { kind } = session.ledger.verdict();
  if (kind === 'behind' && verdictPanel.dataset.kind !== 'behind') {
    verdictTimer = setTimeout(paintVerdict, BEHIND_AFTER_MS);
  } else paintVerdict();
}

function paintVerdict() {
  const verdict = session.ledger.verdict();
  const { answer, text } = verdictWords(verdict);
  const changed = verdictPanel.dataset.kind !== verdict.kind;
  verdictPanel.dataset.kind = verdict.kind;
  document.getElementById('verdict-answer').textContent = answer;
  document.getElementById('verdict-text').textContent = text;
  if (changed) announce(answer);
}

function verdictWords({ kind, matched, behind, lacking, told, repeated, outOfStep }) {
  const gaps = told > 0 ? ` ${told} more went by in a gap that was told.` : '';
  if (kind === 'same') {
    const text =
      matched === 0
        ? 'Nothing has arrived yet.'
        : `Both columns have seen the same ${matched} notifications, in the same order.${gaps}`;
    return { answer: 'Yes, the same', text };
  }
  if (kind === 'behind') {
    const answer = `${behind} is ${lacking} behind`;
    return { answer, text: `It gets what it lacks when it is back. The ${matched} before that were the same.${gaps}` };
  }
  return { answer: 'No', text: `${repeated} came twice, ${outOfStep} came out of step. Please report this.` };
}

/** For those who do not see the page: what changes its kind, not every number. */
function announce(text) {
  document.getElementById('announcer').textContent = text;
}

function topicsOf(text) {
  const topics = text.split(',').map((topic) => topic.trim());
  return [...new Set(topics.filter(Boolean))];
}

function topicsProblem(topics) {
  if (topics.length === 0) return 'Name at least one topic.';
  if (topics.length > TOPICS_MAX) return `At most ${TOPICS_MAX} topics.`;
  const wrong = topics.find((topic) => !NAME.test(topic));
  return wrong === undefined ? '' : `“${wrong}”: ${NAME_RULE}; a comma between topics`;
}

function start() {
  const place = document.getElementById('columns');
  for (const column of Object.values(columns)) place.append(column.element);
  const input = document.getElementById('topics');
  document.getElementById('topics-form').addEventListener('submit', (event) => {
    event.preventDefault();
    const topics = topicsOf(input.value);
    if (complain(input, topicsProblem(topics))) follow(topics);
    else input.focus();
  });
  new PublishForm(PATH);
  setInterval(() => {
    for (const column of Object.values(columns)) column.tick();
  }, TICK_MS);

  // A page that is left must not keep a request open; one that is come back to from history goes on where it was.
  addEventListener('pagehide', () => {
    for (const client of Object.values(session.clients)) client.disconnect();
  });
  addEventListener('pageshow', ({ persisted }) => {
    if (!persisted) return;
    for (const [name, client] of Object.entries(session.clients)) if (!pulled.has(name)) client.connect();
  });
  follow(topicsOf(input.defaultValue));
}

start();
