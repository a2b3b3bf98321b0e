//! A receipt as a page to print: no scripts, nothing fetched, everything escaped.

use std::fmt::{self, Display, Write as _};
use std::sync::LazyLock;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::kernel::currency::Currency;

use super::receipt::{Receipt, ReceiptChange, ReceiptLine, ReceiptSeller, ReceiptTax, TaxMode};
use super::words::Words;

/// The page's only style; the policy allows it by its hash.
const STYLE: &str = include_str!("receipt.css");

/// What a browser may do with the page: apply [`STYLE`], and nothing else.
pub(super) static POLICY: LazyLock<String> = LazyLock::new(|| {
    let hash = STANDARD.encode(digest(&SHA256, STYLE.as_bytes()));
    format!(
        "default-src 'none'; style-src 'sha256-{hash}'; base-uri 'none'; form-action 'none'; \
         frame-ancestors 'none'"
    )
});

/// The page of a receipt, with words in the language of its names when we have them.
pub(super) fn page(receipt: &Receipt) -> String {
    let mut html = String::new();
    let page = Page {
        receipt,
        words: Words::of(&receipt.language),
    };
    page.write(&mut html)
        .expect("a string takes all that is written");
    html
}

/// Text between tags or in an attribute, with what has a meaning there escaped.
struct Escaped<T>(T);

impl<T: Display> Display for Escaped<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.to_string().chars() {
            match c {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                _ => f.write_char(c)?,
            }
        }
        Ok(())
    }
}

struct Page<'a> {
    receipt: &'a Receipt,
    words: &'static Words,
}

impl Page<'_> {
    fn write(&self, html: &mut String) -> fmt::Result {
        let (receipt, words) = (self.receipt, self.words);
        write!(
            html,
            "<!doctype html><html lang=\"{}\"><head><meta charset=\"utf-8\">\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
             <meta name=\"robots\" content=\"noindex\">\
             <title>{} {} · {}</title><style>{STYLE}</style></head><body><main>",
            words.language,
            words.receipt,
            receipt.number,
            Escaped(&receipt.restaurant_name),
        )?;
        self.head(html)?;
        self.dishes(html)?;
        self.taxes(html)?;
        self.payment(html)?;
        html.write_str("</main></body></html>\n")
    }

    fn head(&self, html: &mut String) -> fmt::Result {
        let (receipt, words) = (self.receipt, self.words);
        write!(
            html,
            "<header><h1>{}</h1><p class=\"shop\" lang=\"\">{}</p>",
            words.receipt,
            Escaped(&receipt.restaurant_name)
        )?;
        if let Some(seller) = &receipt.seller {
            self.seller(html, seller)?;
        }
        let way = if receipt.fulfilment == "pickup" {
            words.pickup
        } else {
            words.delivery
        };
        write!(
            html,
            "<dl><dt>{}</dt><dd>{}</dd><dt>{}</dt><dd><time>{}</time></dd></dl>\
             <p class=\"small\">{way} · {}</p></header>",
            words.order, receipt.number, words.service_date, receipt.service_date, receipt.order_id,
        )
    }

    fn seller(&self, html: &mut String, seller: &ReceiptSeller) -> fmt::Result {
        write!(
            html,
            "<p class=\"seller\" lang=\"\">{}",
            Escaped(&seller.name)
        )?;
        if let Some(tax_id) = &seller.tax_id {
            write!(html, "<br>{} {}", self.words.tax_id, Escaped(tax_id))?;
        }
        if let Some(address) = &seller.address {
            write!(html, "<br>{}", Escaped(address))?;
        }
        html.write_str("</p>")
    }

    fn dishes(&self, html: &mut String) -> fmt::Result {
        let (receipt, words) = (self.receipt, self.words);
        write!(
            html,
            "<table><thead><tr><th>{}</th><th class=\"n\">{}</th><th class=\"n\">{}</th>\
             <th class=\"n\">{}</th></tr></thead><tbody>",
            words.dish, words.quantity, words.unit_price, words.amount
        )?;
        for line in &receipt.lines {
            self.dish(html, line)?;
        }
        html.write_str("</tbody><tbody class=\"sums\">")?;
        for fee in &receipt.fees {
            self.sum(html, "", &Escaped(words.kind(fee.kind)), fee.amount_minor)?;
        }
        for discount in &receipt.discounts {
            let name = Escaped(&discount.name);
            let name = format!("{name} ({})", words.funder(&discount.funder));
            self.sum(html, "off", &name, discount.amount_minor)?;
        }
        for (word, minor) in [
            (words.tax_on_top, receipt.tax_on_top_minor),
            (words.tip, receipt.tip_minor),
        ] {
            if minor != 0 {
                self.sum(html, "", &word, minor)?;
            }
        }
        if !receipt.changes.is_empty() {
            self.sum(html, "rule", &words.agreed, receipt.agreed_minor)?;
            for change in &receipt.changes {
                self.change(html, change)?;
            }
        }
        self.sum(html, "total", &words.total, receipt.total_minor)?;
        html.write_str("</tbody></table>")
    }

    fn dish(&self, html: &mut String, line: &ReceiptLine) -> fmt::Result {
        write!(
            html,
            "<tr><td>{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td></tr>",
            Escaped(&line.name),
            line.quantity,
            self.plain(line.unit_price_minor),
            self.plain(line.amount_minor)
        )?;
        for option in &line.options {
            let amount = match option.amount_minor {
                0 => String::new(),
                minor => self.plain(minor),
            };
            write!(
                html,
                "<tr class=\"option d{}\"><td>{}</td><td class=\"n\">{}</td><td></td><td class=\"n\">{amount}</td></tr>",
                option.depth.min(3),
                Escaped(&option.name),
                option.pieces,
            )?;
        }
        Ok(())
    }

    fn change(&self, html: &mut String, change: &ReceiptChange) -> fmt::Result {
        let words = self.words;
        let word = if change.amount_minor < 0 {
            words.left_out
        } else {
            words.added
        };
        let name = change.name.as_deref().unwrap_or(words.kind(change.kind));
        let name = format!("{word}: {}", Escaped(name));
        self.sum(html, "off", &name, change.amount_minor)
    }

    /// A row of one amount below the dishes; `name` is escaped already.
    fn sum(&self, html: &mut String, class: &str, name: &dyn Display, minor: i64) -> fmt::Result {
        let amount = if class == "total" {
            self.whole(minor)
        } else {
            self.plain(minor)
        };
        write!(
            html,
            "<tr class=\"{class}\"><td colspan=\"3\">{name}</td><td class=\"n\">{amount}</td></tr>"
        )
    }

    fn taxes(&self, html: &mut String) -> fmt::Result {
        let (receipt, words) = (self.receipt, self.words);
        if receipt.taxes.is_empty() {
            return Ok(());
        }
        write!(
            html,
            "<h2>{}</h2><table><thead><tr><th>{}</th><th>{}</th><th class=\"n\">{}</th>\
             <th class=\"n\">{}</th><th class=\"n\">{}</th></tr></thead><tbody>",
            words.tax, words.sold_by, words.rate, words.net, words.tax_on_top, words.gross
        )?;
        for tax in &receipt.taxes {
            self.tax(html, tax)?;
        }
        html.write_str("</tbody>")?;
        if receipt.untaxed_minor != 0 {
            let minor = self.plain(receipt.untaxed_minor);
            write!(
                html,
                "<tbody class=\"sums\"><tr><td colspan=\"4\">{}</td><td class=\"n\">{minor}</td></tr></tbody>",
                words.untaxed
            )?;
        }
        html.write_str("</table>")
    }

    fn tax(&self, html: &mut String, tax: &ReceiptTax) -> fmt::Result {
        let words = self.words;
        let mode = match tax.mode {
            TaxMode::Inclusive => words.included,
            TaxMode::Exclusive => words.on_top,
        };
        write!(
            html,
            "<tr><td>{}</td><td>{} {mode}</td><td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td></tr>",
            words.seller(&tax.seller),
            rate(tax.rate_bp),
            self.plain(tax.net_minor),
            self.plain(tax.tax_minor),
            self.plain(tax.gross_minor)
        )
    }

    fn payment(&self, html: &mut String) -> fmt::Result {
        let (payment, words) = (&self.receipt.payment, self.words);
        write!(
            html,
            "<h2>{}</h2><table><tbody class=\"sums\">",
            words.payment
        )?;
        self.sum(html, "", &words.authorised, payment.authorised_minor)?;
        self.sum(html, "", &words.captured, payment.captured_minor)?;
        for refund in &payment.refunds {
            self.sum(html, "off", &words.refund, refund.amount_minor)?;
        }
        self.sum(html, "total", &words.paid, payment.paid_minor)?;
        html.write_str("</tbody></table>")
    }

    fn plain(&self, minor: i64) -> String {
        amount(minor, self.receipt.currency)
    }

    fn whole(&self, minor: i64) -> String {
        let currency = self.receipt.currency;
        format!("{currency} {}", amount(minor, currency))
    }
}

/// An amount with its thousands parted and a true minus: `−1,480` yen, `12.50` euro.
fn amount(minor: i64, currency: Currency) -> String {
    let places = usize::from(currency.minor_digits());
    let digits = format!("{:0>width$}", minor.unsigned_abs(), width = places + 1);
    let (whole, fraction) = digits.split_at(digits.len() - places);
    let mut text = String::new();
    if minor < 0 {
        text.push('−');
    }
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    if !fraction.is_empty() {
        text.push('.');
        text.push_str(fraction);
    }
    text
}

/// Basis points as per cent: `8%`, `8.25%`.
fn rate(basis_points: u32) -> String {
    let (whole, rest) = (basis_points / 100, basis_points % 100);
    let fraction = format!("{rest:02}");
    let fraction = fraction.trim_end_matches('0');
    if fraction.is_empty() {
        format!("{whole}%")
    } else {
        format!("{whole}.{fraction}%")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_have_the_digits_of_their_currency() {
        let text = |minor, code| amount(minor, Currency::parse(code).unwrap());
        assert_eq!(text(1_234_567, "JPY"), "1,234,567");
        assert_eq!(text(-980, "JPY"), "−980");
        assert_eq!(text(5, "EUR"), "0.05");
        assert_eq!(text(-123_456, "EUR"), "−1,234.56");
        assert_eq!(text(1_234_567, "KWD"), "1,234.567");
        assert_eq!(text(i64::MIN, "KWD"), "−9,223,372,036,854,775.808");
    }

    #[test]
    fn rates_are_per_cent() {
        assert_eq!([800, 825, 50, 0].map(rate), ["8%", "8.25%", "0.5%", "0%"]);
    }

    #[test]
    fn text_is_no_markup() {
        let hostile = "<script>'\"&</script>";
        assert_eq!(
            Escaped(hostile).to_string(),
            "&lt;script&gt;&#39;&quot;&amp;&lt;/script&gt;"
        );
    }
}
