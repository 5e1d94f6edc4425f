/** Calls owed to Heroku beside those every marketplace knows. */
export const EXCHANGE_GRANT = "heroku:exchange-grant";
/** Also written by `heroku_upkeep` in the database. */
export const REFRESH_GRANT = "heroku:refresh-grant";
export const FETCH_PEOPLE = "heroku:fetch-people";
export const SUBSCRIBE_WEBHOOKS = "heroku:subscribe-webhooks";
