import {
  ChangeMessageVisibilityCommand,
  DeleteMessageBatchCommand,
  DeleteMessageCommand,
  GetQueueAttributesCommand,
  GetQueueUrlCommand,
  ReceiveMessageCommand,
} from "@aws-sdk/client-sqs";
import { closeAws, openAws } from "./support/open-aws.ts";

afterEach(closeAws);

describe("the queue", () => {
  async function openQueue() {
    const aws = await openAws();
    await aws.post("/_aws/delivery", { eventbridge: false, sns: false, queue: true });
    const { queueUrl: QueueUrl } = aws.simulator.aws;
    const receive = async (more: object = {}) =>
      (await aws.queue.send(new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10, ...more }))).Messages ?? [];
    return { aws, QueueUrl, receive };
  }

  test("a message is hidden once received, comes again, and is gone when deleted", async () => {
    const { aws, QueueUrl, receive } = await openQueue();
    await aws.buy("subscription");
    const first = await receive();
    expect(first.map(({ Body }) => JSON.parse(Body ?? "")["detail-type"])).toEqual([
      "Purchase Agreement Created - Proposer",
      "License Updated - Manufacturer",
    ]);
    expect(await receive()).toEqual([]);
    await aws.post("/_clock", { advance: "30s" });
    const second = await receive();
    expect(second.map(({ MessageId }) => MessageId)).toEqual(first.map(({ MessageId }) => MessageId));
    const [one, two] = second;
    await aws.queue.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle: one?.ReceiptHandle }));
    const Entries = [
      { Id: "good", ReceiptHandle: two?.ReceiptHandle },
      { Id: "bad", ReceiptHandle: "made up" },
    ];
    const { Successful, Failed } = await aws.queue.send(new DeleteMessageBatchCommand({ QueueUrl, Entries }));
    expect(Successful).toEqual([{ Id: "good" }]);
    expect(Failed).toMatchObject([{ Id: "bad", Code: "ReceiptHandleIsInvalid" }]);
    await aws.post("/_clock", { advance: "1h" });
    expect(await receive()).toEqual([]);
  });

  test("a receipt of an earlier receive no longer deletes", async () => {
    const { aws, QueueUrl, receive } = await openQueue();
    await aws.buy("subscription");
    const [stale] = await receive();
    await aws.post("/_clock", { advance: "30s" });
    const [fresh] = await receive();
    await aws.queue.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle: stale?.ReceiptHandle }));
    const hide = (ReceiptHandle: string | undefined) =>
      aws.queue.send(new ChangeMessageVisibilityCommand({ QueueUrl, ReceiptHandle, VisibilityTimeout: 0 }));
    expect(await aws.refusal(hide(stale?.ReceiptHandle))).toBe("MessageNotInflight");
    await hide(fresh?.ReceiptHandle);
    expect((await receive()).map(({ MessageId }) => MessageId)).toEqual([fresh?.MessageId]);
  });

  test("a long poll ends when something comes", async () => {
    const { aws, receive } = await openQueue();
    const began = performance.now();
    const waiting = receive({ WaitTimeSeconds: 10 });
    setTimeout(() => void aws.buy("subscription"), 100);
    expect(await waiting).not.toEqual([]);
    expect(performance.now() - began).toBeLessThan(5_000);
  });

  test("what is received fifty times and never deleted becomes a dead letter", async () => {
    const { aws, QueueUrl, receive } = await openQueue();
    await aws.buy("subscription");
    for (let round = 0; round < 50; round += 1) expect(await receive({ VisibilityTimeout: 0 })).toHaveLength(2);
    expect(await receive({ VisibilityTimeout: 0 })).toEqual([]);
    const ask = new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ["RedrivePolicy"] });
    const { Attributes } = await aws.queue.send(ask);
    const { deadLetterTargetArn } = JSON.parse(Attributes?.["RedrivePolicy"] ?? "");
    const found = await aws.queue.send(new GetQueueUrlCommand({ QueueName: deadLetterTargetArn.split(":").at(-1) }));
    const dead = await aws.queue.send(new ReceiveMessageCommand({ QueueUrl: found.QueueUrl, MaxNumberOfMessages: 10 }));
    expect(dead.Messages).toHaveLength(2);
  });

  test("a rule fills it, which is off while events go elsewhere", async () => {
    const { aws, QueueUrl } = await openQueue();
    const { EventBridgeClient, ListRuleNamesByTargetCommand, DescribeRuleCommand } = await import(
      "@aws-sdk/client-eventbridge"
    );
    const { origin, aws: facts } = aws.simulator;
    const rules = new EventBridgeClient({ endpoint: origin, region: "us-east-1", credentials: facts.keys });
    const ask = new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ["QueueArn"] });
    const TargetArn = (await aws.queue.send(ask)).Attributes?.["QueueArn"];
    const { RuleNames } = await rules.send(new ListRuleNamesByTargetCommand({ TargetArn }));
    const describe = () => rules.send(new DescribeRuleCommand({ Name: RuleNames?.[0] }));
    expect(await describe()).toMatchObject({
      State: "ENABLED",
      EventPattern: expect.stringContaining("aws.agreement"),
    });
    await aws.post("/_aws/delivery", { queue: false });
    expect(await describe()).toMatchObject({ State: "DISABLED" });
  });

  test("a long poll ends with nothing when nothing comes", async () => {
    const { receive } = await openQueue();
    expect(await receive({ WaitTimeSeconds: 1 })).toEqual([]);
  });

  test("the queue is found by name and counts its messages; another is not there", async () => {
    const { aws, QueueUrl, receive } = await openQueue();
    await aws.buy("subscription");
    await receive({ MaxNumberOfMessages: 1 });
    const name = QueueUrl.split("/").at(-1);
    expect((await aws.queue.send(new GetQueueUrlCommand({ QueueName: name }))).QueueUrl).toBe(QueueUrl);
    const { Attributes } = await aws.queue.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ["All"] }));
    expect(Attributes).toMatchObject({ ApproximateNumberOfMessages: "1", ApproximateNumberOfMessagesNotVisible: "1" });
    expect(await aws.refusal(aws.queue.send(new ReceiveMessageCommand({ QueueUrl: `${QueueUrl}-2` })))).toBe(
      "QueueDoesNotExist",
    );
  });
});
