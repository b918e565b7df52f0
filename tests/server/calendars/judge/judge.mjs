// Reads a calendar file from its standard input with the zones it carries itself, and says what it understood, as JSON.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const require = createRequire(`${process.argv[2]}/package.json`);
const { default: ICAL } = await import(pathToFileURL(require.resolve("ical.js")));

ICAL.design.strict = true;
const calendar = new ICAL.Component(ICAL.parse(readFileSync(0, "utf8")));
ICAL.TimezoneService.reset();
for (const zone of calendar.getAllSubcomponents("vtimezone")) {
  ICAL.TimezoneService.register(new ICAL.Timezone(zone).tzid, new ICAL.Timezone(zone));
}
const said = (component, name) => component.getFirstPropertyValue(name);
const events = calendar.getAllSubcomponents("vevent").map((component) => {
  const event = new ICAL.Event(component);
  return {
    uid: event.uid,
    title: event.summary,
    description: event.description,
    place: event.location,
    begins: event.startDate.toUnixTime(),
    ends: event.endDate.toUnixTime(),
    wall: event.startDate.toString(),
    zone: component.getFirstProperty("dtstart").getFirstParameter("tzid") ?? "",
    sequence: event.sequence,
    status: said(component, "status"),
    url: said(component, "url"),
    geo: said(component, "geo"),
    conference: said(component, "conference"),
    organizer: said(component, "organizer"),
    organizerName: component.getFirstProperty("organizer")?.getFirstParameter("cn") ?? "",
    tags: component.getAllProperties("categories").flatMap((one) => one.getValues()),
    attendees: component.getAllProperties("attendee").length,
  };
});
console.log(JSON.stringify({ name: said(calendar, "x-wr-calname"), method: said(calendar, "method"), events }));
