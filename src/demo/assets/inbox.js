/** Longer than a working server needs. */
const ANSWER_MS_MAX = 10_000;

const form = document.getElementById('inbox-form');
const result = document.getElementById('inbox-result');

form.addEventListener('submit', async (event) => {
  event.preventDefault();
  const { 'inbox-title': title, 'inbox-text': text } = form.elements;
  const response = await fetch('../inbox-items', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ title: title.value, text: text.value }),
    signal: AbortSignal.timeout(ANSWER_MS_MAX),
  }).catch(() => undefined);
  result.dataset.kind = response?.ok ? 'good' : 'bad';
  result.textContent = response?.ok ? `Sent at ${new Date().toLocaleTimeString('en-GB')}` : 'Not sent: try again.';
});
