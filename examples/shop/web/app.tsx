import { useSession } from './session/use-session.js';
import { SignIn } from './session/sign-in.js';
import { Problem } from './parts/problem.js';
import { Shop } from './shop.js';

export function App() {
  const [view, actions] = useSession();
  switch (view.phase) {
    case 'loading':
      return <main className="sign-in" aria-busy="true" />;
    case 'failed':
      return (
        <main className="sign-in">
          <Problem text={view.message} retry={actions.reload} />
        </main>
      );
    case 'signed-out':
      return <SignIn notice={view.notice} signIn={actions.signIn} />;
    case 'signed-in':
      // Another user gets another view, with feeds of its own.
      return <Shop key={view.session.user.id} session={view.session} since={view.since} actions={actions} />;
  }
}
