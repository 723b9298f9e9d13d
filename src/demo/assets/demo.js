import { Announcer } from './announcer.js';
import { Bell } from './bell.js';
import { CablePanel } from './cables.js';
import { Column } from './column.js';
import { hasServersClock } from './latency.js';
import { complain, NAME, NAME_RULE, PublishForm } from './publish.js';
import { CLIENT, PATH, POLL, Session, STREAM } from './session.js';

const TOPICS_MAX = 50;
const TICK_MS = 200;
const BELL_TICK_MS = 10_000;

const announcer = new Announcer(document.getElementById('announcer'));
const bell = new Bell({ announcer, onConnectAgain: () => follow(topics) });
const cables = new CablePanel({
  names: [CLIENT, POLL, STREAM],
  announcer,
  onPull: (names, isPulled) => session.pull(names, isPulled),
});
const columns = {
  [POLL]: new Column({ name: POLL, kind: 'fetch in a loop: one answer for each request' }),
  [STREAM]: new Column({ name: STREAM, kind: 'EventSource: one answer without end' }),
};
const topicsField = document.getElementById('topics');
let topics = topicsOf(topicsField.defaultValue);
let session;

function follow(wanted) {
  session?.end();
  topics = wanted;
  session = new Session(topics, { bell, cables, columns, announcer });
}

function topicsOf(text) {
  const names = text.split(',').map((topic) => topic.trim());
  return [...new Set(names.filter(Boolean))];
}

function topicsProblem(names) {
  if (names.length === 0) return 'Name at least one topic.';
  if (names.length > TOPICS_MAX) return `At most ${TOPICS_MAX} topics.`;
  const wrong = names.find((topic) => !NAME.test(topic));
  return wrong === undefined ? '' : `“${wrong}”: ${NAME_RULE}; a comma between topics`;
}

function start() {
  for (const column of Object.values(columns)) document.getElementById('columns').append(column.element);
  document.getElementById('two-clocks').hidden = hasServersClock(location);
  document.getElementById('topics-form').addEventListener('submit', (event) => {
    event.preventDefault();
    const wanted = topicsOf(topicsField.value);
    if (complain(topicsField, topicsProblem(wanted))) follow(wanted);
    else topicsField.focus();
  });
  new PublishForm(PATH, (topic, ids) => session.published(topic, ids));
  setInterval(() => {
    for (const column of Object.values(columns)) column.tick();
  }, TICK_MS);
  setInterval(() => bell.tick(), BELL_TICK_MS);

  // A page that the user leaves must keep no request open. A hidden page closes its connections,
  // so that visible pages can use them. It catches up when it is visible again.
  const settle = () => (document.visibilityState === 'hidden' ? session.rest('this tab is hidden') : session.wake());
  document.addEventListener('visibilitychange', settle);
  addEventListener('pageshow', settle);
  addEventListener('pagehide', () => session.rest('this page is left'));
  follow(topics);
}

start();
