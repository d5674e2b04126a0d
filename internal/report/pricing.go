package report

import (
	"strings"

	"yunjian/price"
	"yunjian/recommender"
)

// pricing is what a saving is made of, so that finance can recount it: quantity
// times unit price of every line, now and as proposed.
func (p prose) pricing(x recommender.Recommendation) string {
	if x.Pricing == nil {
		return ""
	}
	now := p.priceLines(x.Pricing.Current)
	if len(x.Pricing.Target) == 0 {
		return p.say(msgPricingNow, now)
	}
	return p.say(msgPricingChange, now, p.priceLines(x.Pricing.Target))
}

func (p prose) priceLines(lines []price.Line) string {
	parts := make([]string, len(lines))
	for i, l := range lines {
		of := name(p, pricedNames, l.What)
		if l.Of != "" {
			of += " " + clean(l.Of)
		}
		parts[i] = p.say(msgPriceLine, of, l.Quantity.String(), l.UnitPrice.String(), name(p, periodNames, l.Per))
		if !l.Discount.IsZero() && l.Discount.String() != "1" {
			parts[i] += p.say(msgPriceDiscount, l.Discount.String())
		}
	}
	return strings.Join(parts, " + ")
}
