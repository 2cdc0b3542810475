//! A business calendar: where, on which days and until when people work.
//!
//! Invariant: at least one weekday is worked, and it opens before it closes, so there always is a next business day.

use crate::Time;
use crate::digest::sha256;
use crate::zone::Zone;
use jiff::civil;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Calendar {
    pub name: String,
    pub zone: Zone,
    pub opens: civil::Time,
    pub closes: civil::Time,
    /// From Monday to Sunday.
    pub weekdays: [bool; 7],
    pub holidays: Vec<civil::Date>,
}

impl Calendar {
    pub const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

    /// Twelve hexadecimal digits: another one when anything that matters is another.
    pub fn version(&self) -> String {
        let days: String = self.weekdays.iter().map(|works| if *works { '1' } else { '0' }).collect();
        let text = format!("{} {} {}-{} {days} {:?}", self.name, self.zone.name(), self.opens, self.closes, self.holidays);
        sha256(&text)[..12].to_owned()
    }

    pub fn works_on(&self, date: civil::Date) -> bool {
        let at = usize::try_from(date.weekday().to_monday_zero_offset()).unwrap_or(0);
        self.weekdays.get(at).copied().unwrap_or(false) && !self.holidays.contains(&date)
    }

    /// Close of business on the first business day strictly after the local day of `opened`.
    pub fn close_after(&self, opened: Time) -> Time {
        let mut date = self.zone.local(opened).date();
        // Each holiday can put it off by a week at most.
        for _ in 0..=(self.holidays.len() + 1) * 7 {
            match date.tomorrow() {
                Ok(next) => date = next,
                Err(_) => break,
            }
            if self.works_on(date) {
                break;
            }
        }
        self.zone.resolve(date.to_datetime(self.closes))
    }
}
