import type { AwsOptions } from "../options.ts";
import { Frame, SUBSCRIPTIONS_URL } from "./frame.tsx";

/** Why a buyer gets no further, as far as that is the buyer's matter. */
export type NoticeKind =
  | "arrive"
  | "mangled"
  | "invalid_token"
  | "expired_token"
  | "other_product"
  | "other_account"
  | "not_now"
  | "malformed";

interface Notice {
  readonly status: number;
  readonly title: string;
  readonly text: string;
  /** The way on leads through AWS. */
  readonly again: boolean;
}

const START_AGAIN =
  "Please open AWS Marketplace, go to your subscriptions, and choose “Set up your account” again. You need no new purchase.";

export const notices: Readonly<Record<NoticeKind, Notice>> = {
  arrive: {
    status: 200,
    title: "Please come from AWS Marketplace",
    text: "You reach your account from AWS: open your subscriptions there and choose “Set up your account”. You are signed in by it, the first time and every time you come back.",
    again: true,
  },
  mangled: {
    status: 400,
    title: "The registration arrived damaged",
    text: `The registration token that came with you is missing or was changed on its way. ${START_AGAIN}`,
    again: true,
  },
  invalid_token: {
    status: 400,
    title: "AWS does not know this registration",
    text: `The registration token is not one of this product's. ${START_AGAIN}`,
    again: true,
  },
  expired_token: {
    status: 400,
    title: "This registration has expired",
    text: `A registration works for a few hours. ${START_AGAIN}`,
    again: true,
  },
  other_product: {
    status: 422,
    title: "This purchase is for another product",
    text: "What you bought is not sold here. Nothing was set up, and we have been told. Please ask for help at the address below.",
    again: false,
  },
  other_account: {
    status: 409,
    title: "This subscription belongs to another AWS account",
    text: "It has been set up from another AWS account before, so it was not set up again. Please ask for help at the address below.",
    again: false,
  },
  not_now: {
    status: 503,
    title: "The setup cannot go on right now",
    text: "Something on our side has to be put right first, and we have been told. Your purchase is safe, and you need not buy again. Please come back in a while.",
    again: true,
  },
  malformed: {
    status: 400,
    title: "The form could not be read",
    text: `What your browser sent is no registration of AWS Marketplace. ${START_AGAIN}`,
    again: true,
  },
};

export function NoticePage({ options, kind }: { readonly options: AwsOptions; readonly kind: NoticeKind }) {
  const { title, text, again } = notices[kind];
  return (
    <Frame options={options} title={title}>
      <section class="card alone">
        <h1>{title}</h1>
        <p>{text}</p>
        {again ? (
          <p>
            <a class="button" href={SUBSCRIPTIONS_URL} rel="noreferrer">
              Your subscriptions in AWS Marketplace
            </a>
          </p>
        ) : null}
      </section>
    </Frame>
  );
}
