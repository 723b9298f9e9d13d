import type { ReactNode } from 'react';

/** Line drawings, 24 units wide. They are decoration: the text beside them has the meaning. */
function Icon({ children, className }: { readonly children: ReactNode; readonly className?: string }) {
  return (
    <svg className={className} viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      {children}
    </svg>
  );
}

const PICTURES: Readonly<Record<string, ReactNode>> = {
  kettle: <path d="M6 19h11l-1.500-10h-8zM8 9a4 4 0 0 1 7 0M16 11l4-2-2.500 7M11.500 6V4" />,
  lamp: <path d="M8 20h8M12 20v-6l-4-5 5-5 3 3-5 5M13 4l4-1 2 2-3 5" />,
  notebook: <path d="M6 4h11a1 1 0 0 1 1 1v14a1 1 0 0 1-1 1H6zM9 4v16M4 8h3M4 12h3M4 16h3M12 8h3" />,
  blanket: <path d="M4 7h13a3 3 0 0 1 0 6H4zM4 13v5h13a3 3 0 0 0 3-3v-5M7 18v2M11 18v2M15 18v2" />,
  mug: <path d="M5 8h11v8a3 3 0 0 1-3 3H8a3 3 0 0 1-3-3zM16 10h2a2 2 0 0 1 0 5h-2M9 3v2M12 3v2" />,
  chair: <path d="M7 3l1 10h9M8 13l-1 8M17 13l1 8M7.500 17h10" />,
};

export const ProductPicture = ({ id }: { readonly id: string }) => (
  <Icon className="picture">{PICTURES[id] ?? <path d="M5 8l7-4 7 4v8l-7 4-7-4zM5 8l7 4 7-4M12 12v8" />}</Icon>
);
