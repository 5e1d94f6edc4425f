import { Router } from "express";
import { ownForms } from "../../own-forms.ts";
import { type ConsoleParts, needs } from "../parts.ts";
import { peoplePages } from "./pages.tsx";

/** Mounted at `/console/people`, behind the sign-in; for admins alone. */
export function peopleRoutes(parts: ConsoleParts): Router {
  const own = ownForms(parts.publicUrl);
  const { list, confirm, perform } = peoplePages(parts);
  const router = Router();
  router.use(needs("admin"));
  router.get("/", list);
  router.get("/add", confirm("add"));
  router.post("/add/confirmed", ...own, perform("add"));
  for (const act of ["role", "remove"] as const) {
    router.get(`/:email/${act}`, confirm(act));
    router.post(`/:email/${act}/confirmed`, ...own, perform(act));
  }
  return router;
}
