interface ProblemProps {
  readonly text: string | undefined;
  readonly retry?: () => void;
}

/** An error for the user, which screen readers announce. */
export function Problem({ text, retry }: ProblemProps) {
  return (
    <div role="alert">
      {text !== undefined && (
        <p className="problem">
          {text} {retry && <button onClick={retry}>Try again</button>}
        </p>
      )}
    </div>
  );
}
