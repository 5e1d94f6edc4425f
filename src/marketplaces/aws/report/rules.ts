/** Limits of BatchMeterUsage (API reference; seller guide, "Metering for usage"). */
export const MOST_RECORDS = 25;
/** AWS takes less than 1 MB, names of attributes included. */
export const MOST_BYTES = 900_000;
/** Quota of an account in a region (service quotas of the Metering API). */
export const CALLS_PER_SECOND = 10;
export const WINDOW_HOURS = 24;
/** The month before is open until 06:00 UTC on the 1st. */
export const MONTH_GRACE_HOURS = 6;
export const MOST_UNITS = 2_147_483_647;
export const MOST_ALLOCATIONS = 2_500;
export const MOST_TAGS = 5;

/** The published pattern writes `+ -=`, which would be a range: only the literal characters are sent. */
const TAG_TEXT = /^[a-zA-Z0-9+ \-=._:/@]+$/;
export const isTagKey = (key: string): boolean => key.length <= 100 && TAG_TEXT.test(key);
export const isTagValue = (value: string): boolean => value.length <= 256 && TAG_TEXT.test(value);

const LICENCE_ARN =
  /^arn:aws[a-zA-Z-]*:[A-Za-z0-9][\w/.-]{0,62}:[\w/.-]{0,63}:[\w/.-]{0,63}:[A-Za-z0-9][\w:/+=,@.-]{0,1023}$/;
export const isLicenceArn = (arn: string): boolean => LICENCE_ARN.test(arn);
export const isAccountId = (id: string): boolean => /^\d{1,255}$/.test(id);
export const isCustomerIdentifier = (id: string): boolean => id.length >= 1 && id.length <= 255;
export const isProductCode = (code: string): boolean => /^[-a-zA-Z0-9/=:_.@]{1,255}$/.test(code);
export const isDimension = (name: string): boolean => name.length >= 1 && name.length <= 255;
