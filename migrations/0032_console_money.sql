-- What the console says before usage is sent.

-- A dry run counts like the sender how much fits into a call.
select app_may('execute on function wire_size(usage_records)');
