//! The words of a receipt's page. Names come from the order in its own languages; these are ours.

/// The fixed words of a page.
#[derive(Debug)]
pub(super) struct Words {
    /// The language that they are in, for the page's `lang`.
    pub(super) language: &'static str,
    pub(super) receipt: &'static str,
    pub(super) order: &'static str,
    pub(super) service_date: &'static str,
    pub(super) tax_id: &'static str,
    pub(super) delivery: &'static str,
    pub(super) pickup: &'static str,
    pub(super) dish: &'static str,
    pub(super) quantity: &'static str,
    pub(super) unit_price: &'static str,
    pub(super) amount: &'static str,
    pub(super) packaging: &'static str,
    pub(super) small_order_fee: &'static str,
    pub(super) service_fee: &'static str,
    pub(super) delivery_fee: &'static str,
    pub(super) by_shop: &'static str,
    pub(super) by_platform: &'static str,
    pub(super) discount: &'static str,
    pub(super) tax_on_top: &'static str,
    pub(super) tip: &'static str,
    pub(super) agreed: &'static str,
    pub(super) left_out: &'static str,
    pub(super) added: &'static str,
    pub(super) total: &'static str,
    pub(super) tax: &'static str,
    pub(super) sold_by: &'static str,
    pub(super) rate: &'static str,
    pub(super) included: &'static str,
    pub(super) on_top: &'static str,
    pub(super) net: &'static str,
    pub(super) gross: &'static str,
    pub(super) untaxed: &'static str,
    pub(super) shop: &'static str,
    pub(super) platform: &'static str,
    pub(super) payment: &'static str,
    pub(super) authorised: &'static str,
    pub(super) captured: &'static str,
    pub(super) refund: &'static str,
    pub(super) paid: &'static str,
}

impl Words {
    /// The words nearest to a language: English when there are none.
    pub(super) fn of(language: &str) -> &'static Self {
        let primary = language.split('-').next().unwrap_or_default();
        if primary.eq_ignore_ascii_case("ja") {
            &JAPANESE
        } else {
            &ENGLISH
        }
    }

    /// A fee or a change by its name on the wire.
    pub(super) fn kind(&self, kind: &str) -> &'static str {
        match kind {
            "packaging" => self.packaging,
            "small_order_fee" => self.small_order_fee,
            "service_fee" => self.service_fee,
            "delivery_fee" => self.delivery_fee,
            "discount" => self.discount,
            "tax" => self.tax_on_top,
            "tip" => self.tip,
            _ => self.dish,
        }
    }

    /// A party that sells.
    pub(super) fn seller(&self, seller: &str) -> &'static str {
        if seller == "platform" {
            self.platform
        } else {
            self.shop
        }
    }

    /// A party that pays for a discount.
    pub(super) fn funder(&self, funder: &str) -> &'static str {
        if funder == "platform" {
            self.by_platform
        } else {
            self.by_shop
        }
    }
}

static ENGLISH: Words = Words {
    language: "en",
    receipt: "Receipt",
    order: "Order",
    service_date: "Date",
    tax_id: "Tax no.",
    delivery: "Delivery",
    pickup: "Pickup",
    dish: "Dish",
    quantity: "Qty",
    unit_price: "Each",
    amount: "Amount",
    packaging: "Packaging",
    small_order_fee: "Small order fee",
    service_fee: "Service fee",
    delivery_fee: "Delivery fee",
    by_shop: "paid by the shop",
    by_platform: "paid by the marketplace",
    discount: "Discount",
    tax_on_top: "Tax",
    tip: "Tip",
    agreed: "Agreed at checkout",
    left_out: "Left out",
    added: "Added",
    total: "Total",
    tax: "Tax",
    sold_by: "Sold by",
    rate: "Rate",
    included: "included",
    on_top: "on top",
    net: "Net",
    gross: "Gross",
    untaxed: "Without tax (tips, discounts paid by others)",
    shop: "Shop",
    platform: "Marketplace",
    payment: "Payment",
    authorised: "Authorised",
    captured: "Charged",
    refund: "Refunded",
    paid: "Paid",
};

static JAPANESE: Words = Words {
    language: "ja",
    receipt: "領収書",
    order: "注文番号",
    service_date: "日付",
    tax_id: "登録番号",
    delivery: "配達",
    pickup: "店頭受取",
    dish: "品名",
    quantity: "数量",
    unit_price: "単価",
    amount: "金額",
    packaging: "容器代",
    small_order_fee: "少額注文手数料",
    service_fee: "サービス料",
    delivery_fee: "配達料",
    by_shop: "店舗負担",
    by_platform: "運営負担",
    discount: "割引",
    tax_on_top: "消費税",
    tip: "チップ",
    agreed: "ご注文時の合計",
    left_out: "取消",
    added: "追加",
    total: "合計",
    tax: "消費税の内訳",
    sold_by: "販売者",
    rate: "税率",
    included: "内税",
    on_top: "外税",
    net: "税抜",
    gross: "税込",
    untaxed: "対象外（チップ、他者負担の割引）",
    shop: "店舗",
    platform: "運営",
    payment: "お支払い",
    authorised: "与信額",
    captured: "請求額",
    refund: "返金",
    paid: "お支払額",
};
