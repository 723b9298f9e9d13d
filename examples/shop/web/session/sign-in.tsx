import { type SubmitEvent, useState } from 'react';
import { textOf } from '../api.js';
import { fieldOf } from '../parts/field.js';
import { Problem } from '../parts/problem.js';

const DEMO_USERS = [
  { id: 'ann', name: 'Ann', note: 'customer' },
  { id: 'ben', name: 'Ben', note: 'customer' },
  { id: 'kim', name: 'Kim', note: 'shop keeper' },
] as const;

interface SignInProps {
  readonly notice?: string | undefined;
  readonly signIn: (user: string, password: string) => Promise<void>;
}

export function SignIn({ notice, signIn }: SignInProps) {
  const [problem, setProblem] = useState<string>();
  const [isBusy, setBusy] = useState(false);

  const attempt = async (user: string, password: string) => {
    setBusy(true);
    setProblem(undefined);
    try {
      await signIn(user, password);
    } catch (error) {
      setProblem(textOf(error));
      setBusy(false);
    }
  };
  const submit = (event: SubmitEvent<HTMLFormElement>) => {
    event.preventDefault();
    void attempt(fieldOf(event.currentTarget, 'user'), fieldOf(event.currentTarget, 'password'));
  };

  return (
    <main className="sign-in">
      <section className="card" aria-labelledby="sign-in-title">
        <h1 id="sign-in-title">Corner Shop</h1>
        <p className="muted">{notice ?? 'Sign in to order, or to ship orders.'}</p>
        <form onSubmit={submit}>
          <label htmlFor="user">User</label>
          <input id="user" name="user" autoComplete="username" autoCapitalize="none" required />
          <label htmlFor="password">Password</label>
          <input id="password" name="password" type="password" autoComplete="current-password" required />
          <Problem text={problem} />
          <button className="primary wide" disabled={isBusy}>
            {isBusy ? 'Signing in…' : 'Sign in'}
          </button>
        </form>
        <h2 className="divider">Demo accounts</h2>
        <div className="demo-users">
          {DEMO_USERS.map(({ id, name, note }) => (
            <button key={id} disabled={isBusy} onClick={() => void attempt(id, 'demo')}>
              <b>{name}</b> <span className="muted">{note}</span>
            </button>
          ))}
        </div>
      </section>
    </main>
  );
}
