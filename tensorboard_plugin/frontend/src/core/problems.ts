/** What the reader found wrong with a run's files, one sentence each. */
export function problemTexts(problems: unknown[]): string[] {
  return problems.map((problem) => {
    if (typeof problem === "string") return problem;
    if (problem && typeof problem === "object")
      return Object.values(problem).map(String).join(": ");
    return String(problem);
  });
}
