export const generated: readonly { readonly path: string; readonly make: (before: string) => string }[];
