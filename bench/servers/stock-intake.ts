import type { Server } from "node:http";
import { configVars, purchaseOf } from "./request.ts";
import { stockServer } from "./stock-app.ts";

/** The same purchase on Express as it comes. */
export function stockIntake(): Server {
  return stockServer((app) => {
    app.post("/heroku/resources", (req, res) => {
      const purchase = purchaseOf(req.body);
      if (purchase === undefined) res.status(422).json({});
      else res.json({ id: purchase.uuid, config: configVars(purchase.uuid) });
    });
  });
}
